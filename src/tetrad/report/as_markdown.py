"""The report as the comment on a pull request: verdict, waivers, what changed, flipped answers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tetrad.model.references import last_part
from tetrad.report import contracts, figures, means, words, yardstick_text
from tetrad.report.asked import asked
from tetrad.report.glimpse import glimpse
from tetrad.report.inert_markdown import code, entities, fenced, prose
from tetrad.results.gate_report import (
    AcceptanceUse,
    BaseDecision,
    CaseReport,
    ComponentChange,
    Decision,
    Report,
    StackReport,
    SuiteReport,
    WaiverUse,
)
from tetrad.text import pluralize, shorten

LIMIT = 60_000  # GitHub takes 65,536 characters
_BLOCK = 1_500  # characters of one answer
_DIFF = 6_000
_PLACES = 20  # of an answer in JSON that changed
_NAMES = 100  # cases that are named and not shown
_SIGNS: dict[Decision, str] = {
    "PASSED": "✅",
    "FAILED": "❌",
    "INCONCLUSIVE": "❔",
    "NOT_APPLICABLE": "➖",
}


def render_markdown(report: Report) -> str:
    """At most `LIMIT` characters; what is left out is said."""
    stacks = words.stacks(report)
    parts = [
        *_head(report),
        *_overview(stacks),
        *(part for stack in stacks if words.is_touched(stack) for part in _stack(stack)),
        *_untouched([stack for stack in stacks if not words.is_touched(stack)]),
    ]
    details = [d for stack in stacks for suite in stack.suites for d in _details(suite)]
    return _fitted(parts, details)


def _fitted(parts: list[str], details: list[str]) -> str:
    """All parts that there is room for, in order; a part is never cut within."""
    written: list[str] = []
    room = LIMIT - 200
    for i, part in enumerate(everything := parts + details):
        if len(part) + 2 > room:
            left = len(everything) - i
            written.append(f"*{left:,} more parts are left out here; the report's page has them.*")
            break
        written.append(part)
        room -= len(part) + 2
    return "\n\n".join(written) + "\n"


def _head(report: Report) -> Iterator[str]:
    yield f"## {_sign(report.decision)}: {prose(words.headline(report))}"
    yield f"{_commits(report)}{words.calls(report)}."
    if accepted := [_accepted(line) for line in yardstick_text.accepted(report)]:
        yield "\n".join([f"**{_capital(yardstick_text.ACCEPTED)}:**", *accepted])
    if used := [_waiver(suite, waiver) for suite, waiver in words.waivers(report)]:
        yield "\n".join(["**Accepted for now, by waiver:**", *used])
    for title, lines in (
        (f"{_capital(yardstick_text.TITLE)}:", yardstick_text.changes(report)),
        ("Removed from evaluation:", words.lost(report)),
        ("New in this change:", words.gained(report)),
    ):
        if lines:
            yield "\n".join([f"**{title}**", *(f"- {prose(line)}" for line in lines)])


def _overview(stacks: Sequence[StackReport]) -> Iterator[str]:
    """Every suite in a line, where there are several."""
    judged = [(stack, suite) for stack in stacks for suite in stack.suites]
    if len(judged) > 1:
        lines = ["| | suite | stack | cases |", "|---|---|---|---|"]
        for stack, suite in judged:
            names = f"{code(suite.suite)} | {code(last_part(stack.stack))}"
            lines.append(f"| {_sign(suite.decision)} | {names} | {words.tally(suite)} |")
        yield "\n".join(lines)


def _untouched(stacks: Sequence[StackReport]) -> Iterator[str]:
    lines = []
    for stack in stacks:
        identity = code(words.identities(stack))
        line = f"- {code(last_part(stack.stack))} · {words.what_changed(stack)} · {identity}"
        lines.append(f"{line}: {prose(stack.note)}" if stack.note else line)
    if lines:
        yield "\n".join(lines)


def _capital(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}"


def _accepted(used: AcceptanceUse) -> str:
    what = f"{code(used.suite)}: {code(used.what)} does not count"
    return f"- {what}, says {code(used.owner)}: {prose(used.reason)}"


def _waiver(suite: SuiteReport, used: WaiverUse) -> str:
    brought = f"**{words.BROUGHT}:** " if used.is_new else ""
    case = code(f"{last_part(suite.suite)}#{used.case}")
    who = f"until {prose(used.until)}, says {code(used.owner)}"
    return f"- {brought}{case} may be broken {who}: {prose(used.reason)}"


def _commits(report: Report) -> str:
    if report.head is None:
        return ""
    dirty = " with uncommitted changes" if report.dirty else ""
    base = f" against {code(words.short_commit(report.base))}" if report.base else ""
    return f"{code(words.short_commit(report.head))}{dirty}{base}; "


def _stack(stack: StackReport) -> Iterator[str]:
    yield f"### {code(last_part(stack.stack))} · {prose(words.what_changed(stack))}"
    answered = words.answered_by(stack)
    engine = "".join(f", {whose} {code(answerer)}" for whose, answerer in answered)
    preview = ", **a preview, never evidence**" if stack.preview else ""
    builds = "".join(f", {prose(whose)} {code(build)}" for whose, build in words.builds(stack))
    yield f"Identity {code(words.identities(stack))}{engine}{builds}{preview}."
    if stack.note:
        yield prose(stack.note)
    for change in stack.changes:
        if change.diff:
            yield _change(change)
    for suite in stack.suites:
        yield _suite(suite)
    for verdict in yardstick_text.shown(stack):
        yield from _by_base(verdict)


def _change(change: ComponentChange) -> str:
    summary = f"{change.component}: <code>{entities(change.ref)}</code>"
    return _folded(summary, fenced(change.diff, _DIFF, language="diff"))


def _by_base(verdict: BaseDecision) -> Iterator[str]:
    """The second result, its cases with both answers, and what would accept it."""
    heading = f"**{_sign(verdict.decision)}** by the base's yardstick: {code(verdict.suite)}"
    yield _block(heading, verdict)
    if verdict.note:
        yield prose(verdict.note)
    for case in words.flipped(verdict):
        summary = f"{words.told(case)}: <code>{entities(case.id)}</code>{_glimpse(case)}"
        yield _folded(summary, "\n\n".join(_case(case)))
    if verdict.offers:
        offers = fenced(
            "\n".join(map(yardstick_text.offer, verdict.offers)), _BLOCK, language="yaml"
        )
        yield f"{_capital(yardstick_text.OFFER)}:\n\n{offers}"


def _suite(suite: SuiteReport) -> str:
    heading = f"**{_sign(suite.decision)}** {code(suite.suite)}, {words.tally(suite)}"
    return _block(heading, suite)


def _block(heading: str, suite: SuiteReport | BaseDecision) -> str:
    """Requirements under a line that says of what."""
    lines = [heading]
    unrequired = means.unrequired(suite) if isinstance(suite, SuiteReport) else ()
    if suite.requirements or unrequired:
        lines += [
            "",
            "| | requirement | value | required | 95 % interval | n |",
            "|---|---|--:|--:|---|--:|",
        ]
    for found in suite.requirements:
        cells = (
            _SIGNS[found.decision],
            prose(figures.requirement(found)),
            figures.value(found),
            figures.asked(found),
            figures.interval(found),
            f"{found.n:,}" if found.n else "",
        )
        lines.append(f"| {' | '.join(cells)} |")
    lines += [
        f"| | {prose(means.named(mean))} | {means.value(mean)} | | | {mean.n:,} |"
        for mean in unrequired
    ]
    told = [
        f"- {_sign(found.decision)}: {prose(found.reason)}"
        for found in suite.requirements
        if found.decision != "PASSED"
    ]
    told += [f"- Note: {prose(note)}" for note in map(figures.caveat, suite.requirements) if note]
    if isinstance(suite, SuiteReport) and (broken := contracts.breaches(suite)):
        told.append(f"- ⚠️ {prose(broken)}")
    if told:
        lines += ["", *told]
    return "\n".join(lines)


def _details(suite: SuiteReport) -> Iterator[str]:
    flipped, refused = words.flipped(suite), words.refused(suite)
    as_before = [case for case in flipped if _fails_as_before(case) and case.id not in refused]
    if flipped:
        yield f"### Answers to look at in {code(suite.suite)}"
    named = {case.id for case in as_before}
    for case in flipped:
        if case.id in named:
            continue
        summary = f"{words.told(case)}: <code>{entities(last_part(suite.suite))}#{entities(case.id)}</code>{_glimpse(case)}"
        yield _folded(summary, "\n\n".join(_case(case)))

    if as_before:
        yield _named(as_before)


def _fails_as_before(case: CaseReport) -> bool:
    """Whether there is nothing new to look at."""
    return words.kind(case) == "already_broken" and not case.waived and _is_same(case)


def _is_same(case: CaseReport) -> bool:
    return case.base is not None and words.output_of(case.base) == words.output_of(case.candidate)


def _named(cases: Sequence[CaseReport]) -> str:
    """Cases by their names alone."""
    fail = "fails" if len(cases) == 1 else "fail"
    names = ", ".join(code(case.id) for case in cases[:_NAMES])
    more = f" and {len(cases) - _NAMES:,} more" if len(cases) > _NAMES else ""
    summary = f"{pluralize(len(cases), 'case')} {fail} as on the base, with the same answer"
    return _folded(summary, f"{names}{more}")


def _glimpse(case: CaseReport) -> str:
    """What the answer became, in the line that is seen while folded."""
    seen = glimpse(case, room=40)
    if isinstance(seen, str):
        return f" <code>{entities(seen)}</code>"
    changes = (
        f"{f'{entities(c.place)}: ' if c.place else ''}"
        f"<code>{entities(c.before)}</code> → <code>{entities(c.after)}</code>"
        for c in seen.changes
    )
    return f" {'; '.join((*changes, *seen.rest()))}"


def _changed_places(case: CaseReport) -> str:
    """Where an answer in JSON changed, a line a place; empty where another text did."""
    seen = glimpse(case, room=200, most=_PLACES)
    if isinstance(seen, str) or not any(change.place for change in seen.changes):
        return ""
    lines = [f"{c.place or '$'}: {c.before} → {c.after}" for c in seen.changes]
    return "\n".join((*lines, *seen.rest()))


def _case(case: CaseReport) -> Iterator[str]:
    if case.waived:
        yield f"Waived: {prose(case.waived)}"
    if case.vars or case.turns:
        yield f"Asked:\n\n{fenced(asked(case), _BLOCK)}"
    if places := _changed_places(case):
        yield f"Changed:\n\n{fenced(places, _BLOCK)}"
    if case.base is not None and not _is_same(case):
        yield f"Before:\n\n{fenced(words.output_of(case.base), _BLOCK)}"
    when = "Now as before" if _is_same(case) else "Now"
    yield f"{when}:\n\n{fenced(words.output_of(case.candidate), _BLOCK)}"
    why = words.why_failed(case.candidate)
    if why:
        yield f"Why: {code(shorten(why, 400))}"


def _folded(summary: str, body: str) -> str:
    return f"<details><summary>{summary}</summary>\n\n{body}\n\n</details>"


def _sign(decision: Decision) -> str:
    return f"{_SIGNS[decision]} {words.DECISIONS[decision]}"
