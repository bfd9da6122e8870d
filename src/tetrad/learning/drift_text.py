"""What `tetrad monitor` found, for a terminal and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from tetrad.identity import short
from tetrad.learning.drift import DriftMeasure, StackDrift
from tetrad.results.codec import Codec
from tetrad.text import one_line, pluralize, shorten

_WIDTH = 24  # of a bar
_EIGHTHS = " ▏▎▍▌▋▊▉█"
_SHOWN = 100  # characters of a question
_CODEC = Codec()


def as_text(found: Sequence[StackDrift], environment: str, days: int) -> str:
    return "".join(f"{line}\n" for stack in found for line in _lines(stack, environment, days))


def as_document(found: Sequence[StackDrift], environment: str, days: int) -> dict[str, Any]:
    return {
        "kind": "monitor",
        "version": 1,
        "environment": environment,
        "days": days,
        "stacks": [{"decision": one.decision, **_CODEC.dump(one)} for one in found],
    }


def figures(measure: DriftMeasure) -> str:
    """A measure in figures: what it was, what it is, and how sure that is."""
    if measure.chance is not None:
        index = "PSI" if measure.kind == "distribution" else "index"
        return f"{index} {measure.live:.2f} (up to {measure.chance:.2f} by chance)"
    low, high = measure.interval or (0.0, 0.0)
    form = ".2f" if measure.kind == "score" else ".1%"
    before, now = format(measure.baseline or 0.0, form), format(measure.live, form)
    return f"{before} → {now} (difference {low:+.2f} to {high:+.2f})"


def _lines(found: StackDrift, environment: str, days: int) -> Iterator[str]:
    answers = f"{pluralize(found.answers, 'answer')} of {pluralize(days, 'day')}"
    yield (
        f"{one_line(found.stack)} ({short(found.identity)}) in {one_line(environment)}:"
        f" {found.decision}; {answers} beside {pluralize(found.cases, 'case')}"
    )
    if found.elsewhere:
        yield f"  {pluralize(found.elsewhere, 'answer')} of other identities left out"
    if found.problem:
        yield f"  {found.problem}"
        return
    width = max(len(measure.name) for measure in found.measures)
    for measure in found.measures:
        mark = "DRIFT" if measure.drifted else "ok"
        yield f"  {mark:5}  {one_line(measure.name):{width}}  {figures(measure)}"
        if measure.drifted and measure.bars:
            yield from _plot(measure)
    distant = [one for one in found.farthest if one.distance]
    if distant and any(m.drifted and m.kind == "meaning" for m in found.measures):
        yield "  farthest from any case:"
        for one in distant:
            yield f"    {one.distance or 0:.2f}  {shorten(one_line(one.asked), _SHOWN)}"


def _plot(measure: DriftMeasure) -> Iterator[str]:
    """A bar a bin: of the cases, and of the live answers."""
    most = max(max(bar.baseline, bar.live) for bar in measure.bars) or 1.0
    width = max(len(one_line(bar.label)) for bar in measure.bars)
    for bar in measure.bars:
        cases, live = _bar(bar.baseline / most), _bar(bar.live / most)
        label = one_line(bar.label)
        yield f"           {label:>{width}}  cases {cases} {bar.baseline:.0%}"
        yield f"           {'':>{width}}  live  {live} {bar.live:.0%}"


def _bar(share: float) -> str:
    eighths = round(share * _WIDTH * 8)
    return ("█" * (eighths // 8) + _EIGHTHS[eighths % 8]).strip()
