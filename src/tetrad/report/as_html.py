"""The report as one page that needs nothing else: no network, no frames, no outside style.

Strangers' words reach the page through Jinja2's escaping, after `inert`; nothing of them is ever
part of a script, a style, an attribute that acts or an address. The page's policy allows its own
style and script by their digests alone, so that even an escaping bug could load and run nothing.
"""

from __future__ import annotations

import base64
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from tetrad.canonical import Json, digest_bytes
from tetrad.model.references import last_part
from tetrad.report import contracts, figures, means, plots, words, yardstick_text
from tetrad.report.asked import asked
from tetrad.report.differences import DiffPiece, word_diff
from tetrad.report.glimpse import Glimpse, glimpse
from tetrad.report.openings import opening_of, requests_of, shared_openings
from tetrad.results.gate_report import CaseReport, Report, StackReport, SuiteReport
from tetrad.results.outcome import CaseOutcome, Sample
from tetrad.results.trace import Generated, Step
from tetrad.text import capped, inert, lines_of, pluralize, shorten

if TYPE_CHECKING:
    from jinja2 import Template

_TEXT = 20_000  # characters of one text
_TRACES = 8_000_000  # characters of traces in a page: the flipped cases' come first
_COMMAND = re.compile(r"(?m)^([^\S\n]*):(?=:)")


@dataclass(frozen=True, kw_only=True, slots=True)
class _Row:
    """A case as the page shows it."""

    anchor: str
    stack: str
    suite: str
    case: CaseReport
    kind: str
    glimpse: Glimpse | str
    before: tuple[DiffPiece, ...]
    after: tuple[DiffPiece, ...]
    is_alike: bool  # on both sides, but for the time it took
    ways: tuple[tuple[str, CaseOutcome], ...]  # how it was answered, each with its title


def render_html(report: Report) -> str:
    palette = (files("tetrad") / "palette.css").read_text(encoding="utf-8")
    style, script = palette + _asset("page.css"), _asset("page.js")
    rows = tuple(_rows(report))
    openings = shared_openings(
        sample.trace
        for row in rows
        for _, outcome in row.ways
        for sample in outcome.samples
        if sample.trace
    )
    page = _template().render(
        report=report,
        rows=rows,
        openings=openings,
        kinds=_kinds(rows),
        suites=tuple(dict.fromkeys(row.suite for row in rows)),
        tags=tuple(sorted({tag for row in rows for tag in row.case.candidate.tags})),
        style=_safe(style),
        script=_safe(script),
        policy=(
            f"default-src 'none'; style-src '{_source(style)}'; script-src '{_source(script)}';"
            " base-uri 'none'; form-action 'none'"
        ),
    )
    # Where a page is printed into a CI log, references part the runner's commands.
    return _COMMAND.sub(r"\1&#58;", page).replace("##[", "#&#35;[")


def _rows(report: Report) -> Iterator[_Row]:
    """All cases, those to look at first; traces as far as there is room."""
    told = [
        (words.rank(case, refused), number, stack, suite, case)
        for number, (stack, suite, case, refused) in enumerate(_cases(report))
    ]
    room, opened = _TRACES, set[str]()
    for _, number, stack, suite, case in sorted(told, key=lambda row: row[:2]):
        ways = _ways(case)
        room -= sum(_trace_size(sample, opened) for _, o in ways for sample in o.samples)
        now = capped(words.output_of(case.candidate), _TEXT)
        before, after = word_diff(capped(words.output_of(case.base), _TEXT), now)
        yield _Row(
            anchor=f"case-{number}",
            stack=last_part(stack.stack),
            suite=last_part(suite.suite),
            case=case,
            kind=words.kind(case),
            glimpse=glimpse(case, room=60),
            before=before,
            after=after if case.base is not None else (DiffPiece(now, differs=False),),
            is_alike=_is_alike(case),
            ways=ways if room > 0 else (),
        )


def _cases(
    report: Report,
) -> Iterator[tuple[StackReport, SuiteReport, CaseReport, frozenset[str]]]:
    """Each case, with those of its suite that a failed requirement names."""
    for stack in words.stacks(report):
        for suite in stack.suites:
            refused = words.refused(suite)
            for case in suite.cases:
                yield stack, suite, case, refused


def _is_alike(case: CaseReport) -> bool:
    """Whether one answer can be shown for both sides."""
    return case.base is not None and _shown_of(case.base) == _shown_of(case.candidate)


def _shown_of(outcome: CaseOutcome) -> object:
    answers = [(sample.output, sample.error, sample.passed) for sample in outcome.samples]
    return answers, outcome.metrics, words.why_failed(outcome)


def _ways(case: CaseReport) -> tuple[tuple[str, CaseOutcome], ...]:
    """How the case was answered: once for both sides where no step differs."""
    now, before = case.candidate, case.base
    if before is not None and (steps := _steps(now)) and steps == _steps(before):
        return (("How it was answered, now as before", now),)
    first = "How it was answered" if before is None else "How it was answered now"
    sides = ((first, now), ("How it was answered before", before))
    return tuple((title, o) for title, o in sides if o and o.samples and o.samples[0].trace)


def _steps(outcome: CaseOutcome) -> list[Step]:
    """All steps, whether an answer of them was kept or not."""
    traces = (sample.trace for sample in outcome.samples if sample.trace)
    return [
        replace(step, cached=False) if isinstance(step, Generated) else step
        for trace in traces
        for step in trace.steps
    ]


def _trace_size(sample: Sample, opened: set[str]) -> int:
    """About how many characters the sample's trace takes; `opened` are the openings before it."""
    if sample.trace is None:
        return 0
    size = 500 + sum(len(passage.text) for passage in sample.trace.passages)
    for request in requests_of([sample.trace]):
        opening = "\n".join(message.content for message in opening_of(request))
        size += sum(len(message.content) for message in request.messages)
        size -= len(opening) if opening in opened else 0
        opened.add(opening)
    return size


def _kinds(rows: tuple[_Row, ...]) -> Mapping[str, int]:
    counts = Counter(row.kind for row in rows)
    return {kind: counts[kind] for kind in words.KINDS if counts[kind]}


@cache
def _template() -> Template:
    from jinja2 import Environment, StrictUndefined

    environment = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_finalize,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.globals.update(
        contracts=contracts,
        figures=figures,
        means=means,
        words=words,
        plots=plots,
        yardstick=yardstick_text,
    )
    environment.filters.update(
        long=lambda text: capped(text, _TEXT),
        brief=shorten,
        sentence=lambda text: f"{text[:1].upper()}{text[1:]}.",
        pretty=_pretty,
        step=_step_name,
        pluralize=pluralize,
        asked=asked,
        offer=yardstick_text.offer,
        difflines=_diff_lines,
    )
    return environment.from_string(_asset("page.html.j2"))


def _finalize(value: object) -> object:
    """What every expression of the template passes before it is escaped."""
    return inert(value) if type(value) is str else value


def _pretty(value: Json) -> str:
    written = json.dumps(value, ensure_ascii=False, indent=2, default=dict)
    return capped(written, _TEXT)


def _step_name(step: Step) -> str:
    return type(step).__name__.lower()


def _diff_lines(diff: str) -> list[tuple[str, str]]:
    """A unified diff's lines with the class of each."""
    kinds = {"+": "added", "-": "removed", "@": "hunk"}
    return [
        ("file" if line.startswith(("+++", "---")) else kinds.get(line[:1], "same"), line)
        for line in lines_of(capped(diff, _TEXT))
    ]


@cache
def _asset(name: str) -> str:
    return (files("tetrad.report") / name).read_text(encoding="utf-8")


def _source(text: str) -> str:
    """A digest as a content security policy writes it."""
    return f"sha256-{base64.b64encode(digest_bytes(text.encode()).value).decode()}"


def _safe(own: str) -> Any:
    """Our own style or script, which the template takes as it is."""
    from markupsafe import Markup

    return Markup(own)  # noqa: S704  package data, never a stranger's text
