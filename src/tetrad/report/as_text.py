"""The report for a terminal: verdict first, then every stack. Colours repeat what words say."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING

from tetrad.model.references import last_part
from tetrad.report import contracts, figures, means, words, yardstick_text
from tetrad.report.glimpse import glimpse
from tetrad.results.gate_report import (
    BaseDecision,
    CaseReport,
    Decision,
    Report,
    StackReport,
    SuiteReport,
)
from tetrad.text import capped, for_log, inert, lines_of, one_line, pluralize, shorten

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

_STYLES: dict[Decision, str] = {
    "PASSED": "green",
    "FAILED": "red",
    "INCONCLUSIVE": "yellow",
    "NOT_APPLICABLE": "dim",
}
WIDTH = 100  # where nobody says how wide the reader's lines are
_SHOWN = 20  # flipped cases of a suite; the page has all
_REASONS = 3  # why cases have no result
_REASON = 600  # characters of each
_WHY = 200  # characters of why a case fails


def render_text(report: Report, *, width: int = WIDTH, colour: bool = False) -> str:
    """The report in lines of at most `width` cells."""
    from rich.console import Console

    out = io.StringIO()
    console = Console(
        file=out,
        width=max(width, 40),
        color_system="standard" if colour else None,
        force_terminal=colour,
        highlight=False,
        markup=False,
        emoji=False,
        legacy_windows=False,
    )
    _verdict(console, report)
    _first(console, report)
    for stack in words.stacks(report):
        console.print()
        _stack(console, stack)
    lines = (line.rstrip() for line in lines_of(out.getvalue()))
    return for_log("\n".join(lines)) + "\n"


def _verdict(console: Console, report: Report) -> None:
    console.print(_decided(report.decision, one_line(words.headline(report)), bold=True))
    console.print(one_line(words.compared(report)), style="dim")
    console.print(words.calls(report), style="dim")


def _first(console: Console, report: Report) -> None:
    """What a reviewer must know before any result."""
    _waivers(console, report)
    for title, lines, style in (
        (yardstick_text.TITLE, yardstick_text.changes(report), "yellow"),
        ("removed from evaluation", words.lost(report), "yellow"),
        ("new in this change", words.gained(report), "dim"),
    ):
        _section(console, title, lines, style)


def _waivers(console: Console, report: Report) -> None:
    from rich.padding import Padding
    from rich.text import Text

    used = [yardstick_text.acceptance(line) for line in yardstick_text.accepted(report)]
    _section(console, yardstick_text.ACCEPTED, used, "bold yellow")
    if waivers := words.waivers(report):
        console.print()
        console.print("accepted for now, by waiver", style="yellow")
    for suite, waiver in waivers:
        line = Text(one_line(words.waiver(suite, waiver)))
        if waiver.is_new:
            line = Text(f"{words.BROUGHT}: ", style="bold yellow").append_text(line)
        console.print(Padding(line, (0, 0, 0, 2)))


def _section(console: Console, title: str, lines: Sequence[str], style: str) -> None:
    from rich.padding import Padding

    if lines:
        console.print()
        console.print(title, style=style)
    for line in lines:
        console.print(Padding(one_line(line), (0, 0, 0, 2)))


def _stack(console: Console, stack: StackReport) -> None:
    from rich.padding import Padding
    from rich.text import Text

    head = Text(one_line(last_part(stack.stack)), style="bold")
    head.append(f"  {words.what_changed(stack)}", style="default")
    head.append(f"  {words.identities(stack)}", style="dim")
    console.print(head)
    preview = " (a preview: never evidence)" if stack.preview else ""
    for whose, answerer in words.answered_by(stack):
        console.print(f"  {whose} {one_line(answerer)}{preview}", style="dim")
    for whose, build in words.builds(stack):
        console.print(Padding(f"{one_line(whose)}: {one_line(build)}", (0, 0, 0, 2)), style="dim")
    if stack.note:
        console.print(f"  {one_line(stack.note)}")
    for suite in stack.suites:
        _suite(console, suite)
    for verdict in yardstick_text.shown(stack):
        _by_base(console, verdict)


def _suite(console: Console, suite: SuiteReport) -> None:
    from rich.padding import Padding

    console.print()
    line = f"{one_line(suite.suite)}, {words.tally(suite)}"
    console.print(Padding(_decided(suite.decision, line), (0, 0, 0, 2)))
    _requirements(console, suite)
    if broken := contracts.breaches(suite):
        console.print(Padding(f"! {broken}", (0, 0, 0, 4)), style="yellow")
    _cases(console, suite)
    _missing(console, suite)


def _by_base(console: Console, verdict: BaseDecision) -> None:
    from rich.padding import Padding

    console.print()
    decided = _decided(verdict.decision, yardstick_text.headline(verdict))
    console.print(Padding(decided, (0, 0, 0, 2)))
    if verdict.note:
        console.print(Padding(one_line(verdict.note), (0, 0, 0, 4)))
    _requirements(console, verdict)
    _cases(console, verdict)
    _missing(console, verdict)
    if verdict.offers:
        console.print(Padding(f"{yardstick_text.OFFER}:", (0, 0, 0, 4)))
    for offer in verdict.offers:
        # Never wrapped: it is there to be pasted.
        console.print(f"    {one_line(yardstick_text.offer(offer))}", soft_wrap=True)


def _requirements(console: Console, suite: SuiteReport | BaseDecision) -> None:
    from rich.padding import Padding
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for title, side in (("", "left"), ("requirement", "left"), ("value", "right"), ("required", "right"),
                        ("95 % interval", "left"), ("n", "right")):  # fmt: skip
        table.add_column(title, justify=side, no_wrap=title != "requirement")  # type: ignore[arg-type]
    for found in suite.requirements:
        table.add_row(
            Text(words.MARKS[found.decision], style=_STYLES[found.decision]),
            Text(one_line(figures.requirement(found))),
            figures.value(found),
            figures.asked(found),
            figures.interval(found),
            f"{found.n:,}" if found.n else "",
        )
    for mean in means.unrequired(suite) if isinstance(suite, SuiteReport) else ():
        table.add_row("·", one_line(means.named(mean)), means.value(mean), "", "", f"{mean.n:,}")
    if table.rows:
        console.print(Padding(table, (0, 0, 0, 4)))
    for found in suite.requirements:
        if found.decision != "PASSED":
            said = _decided(found.decision, one_line(found.reason))
            console.print(Padding(said, (0, 0, 0, 4)))
        elif caveat := figures.caveat(found):
            console.print(Padding(f"note: {caveat}", (0, 0, 0, 4)), style="dim")


def _cases(console: Console, suite: SuiteReport | BaseDecision) -> None:
    cases = words.flipped(suite)
    if not cases:
        return
    from rich.padding import Padding
    from rich.table import Table

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    room = max((console.width - 44) // 2, 12)
    table.add_column("case", max_width=26, overflow="ellipsis", no_wrap=True)
    table.add_column("", no_wrap=True)
    has_base = any(case.base for case in cases)
    table.add_column("before → after" if has_base else "answer", overflow="fold")
    for case in cases[:_SHOWN]:
        table.add_row(one_line(case.id), words.told(case), _answers(case, room))
    console.print(Padding(table, (0, 0, 0, 4)))
    if len(cases) > _SHOWN:
        more = f"and {len(cases) - _SHOWN:,} more: `tetrad report --format html` shows all"
        console.print(Padding(more, (0, 0, 0, 4)), style="dim")


def _missing(console: Console, suite: SuiteReport | BaseDecision) -> None:
    """What an engine or a judge complained of, whole: a wrong address is fixed by its message."""
    from rich.padding import Padding

    reasons = words.why_missing(suite)
    for error, count in reasons[:_REASONS]:
        cases = pluralize(count, "case")
        said = f"no result for {cases}: {capped(error, _REASON)}"
        console.print(Padding(said, (0, 0, 0, 4)), style="yellow")
    if len(reasons) > _REASONS:
        more = f"and {len(reasons) - _REASONS:,} more reasons"
        console.print(Padding(more, (0, 0, 0, 4)), style="dim")


def _answers(case: CaseReport, room: int) -> Text:
    """What the answer became, and why that fails."""
    from rich.text import Text

    told = Text(str(glimpse(case, room=room)))
    if why := words.why_failed(case.candidate):
        told.append(f"\n{shorten(why, _WHY)}", style="dim")
    return told


def _decided(decision: Decision, said: str, *, bold: bool = False) -> Text:
    from rich.text import Text

    text = Text()
    style = f"bold {_STYLES[decision]}" if bold else _STYLES[decision]
    text.append(f"{words.MARKS[decision]} {words.DECISIONS[decision]}", style=style)
    text.append(f"  {inert(said)}")
    return text
