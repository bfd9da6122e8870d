"""What a change moves of what judges it, and what the base's yardstick says, in words. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence

from tetrad.model.references import last_part
from tetrad.report import words
from tetrad.results.gate_report import (
    AcceptanceOffer,
    AcceptanceUse,
    BaseDecision,
    Decision,
    Report,
    StackReport,
    YardstickChange,
)
from tetrad.text import one_line, pluralize

TITLE = "changed in what judges"
ACCEPTED = "accepted by this change, against the base's yardstick"
OFFER = "to accept what fails by the base's yardstick alone, add to waivers.yaml"
_NAMED = 5
_SENTENCES: Mapping[str, str] = {
    "requirement": "{before} was required, now {after}",
    "setting": "{name} changed from {before} to {after}",
    "judge": "the judge {name} changed",
    "code": "the code that grades {cases} changed",
    "assertions": "what is expected of {cases} was edited ({named})",
    "tags": "{cases} retagged ({named})",
    "input": "the input of {cases} was edited ({named})",
    "moved": "{cases} moved to {after}",
    "removed": "{cases} removed ({named})",
    "prices": "prices changed from {before} to {after}",
    "waiver": "new waiver, {name}",
}
_PLAIN = re.compile(r"[A-Za-z][\w./-]*", re.ASCII)
_NOT_TEXT = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n"})
_WORST_FIRST: tuple[Decision, ...] = ("FAILED", "INCONCLUSIVE", "PASSED", "NOT_APPLICABLE")


def changes(report: Report) -> list[str]:
    """A sentence for each part that moved, but for waivers that counted: those are told of before."""
    counted = {f"{suite.suite}#{used.case}" for suite, used in words.waivers(report)}
    counted |= {used.suite for used in accepted(report)}
    return told(c for c in report.yardstick if c.kind != "waiver" or c.ref not in counted)


def told(found: Iterable[YardstickChange]) -> list[str]:
    """A sentence for each part that moved; a requirement that is gone comes first."""
    return [change(one) for one in sorted(found, key=lambda one: one.kind != "requirement")]


def change(found: YardstickChange) -> str:
    """One part that moved, and what came of it."""
    note = f": {found.note}" if found.note else ""
    return f"{found.ref}: {_moved(found)}{note}"


def _moved(found: YardstickChange) -> str:
    if found.kind == "requirement" and not found.after:
        return f"{found.before} was required, and is no more"
    return _SENTENCES[found.kind].format(
        name=found.name,
        before=found.before or "none",
        after=found.after or "none",
        cases=pluralize(len(found.cases), "case"),
        named=_named(found.cases),
    )


def _named(ids: Sequence[str]) -> str:
    more = len(ids) - _NAMED
    return ", ".join(ids[:_NAMED]) + (f" and {more:,} more" if more > 0 else "")


def accepted(report: Report) -> list[AcceptanceUse]:
    """The change's own lines that counted, each once."""
    verdicts = (verdict for stack in report.stacks for verdict in stack.by_base)
    return list(dict.fromkeys(used for verdict in verdicts for used in verdict.accepted))


def acceptance(used: AcceptanceUse) -> str:
    """What no longer counts, by whom and why, as a sentence."""
    return f"{used.suite}: {used.what} does not count, says {used.owner}: {used.reason}"


def offer(found: AcceptanceOffer) -> str:
    """The line of waivers.yaml, ready to paste."""
    owner = json.dumps(found.owner or "@owner", ensure_ascii=False)
    return (
        f"- {{accept: yardstick, suite: {_scalar(found.suite)}, {found.kind}: {_scalar(found.name)},"
        f' reason: "say why", owner: {owner}}}'
    )


def _scalar(text: str) -> str:
    is_plain = _PLAIN.fullmatch(text) and text.lower() not in _NOT_TEXT
    return text if is_plain else json.dumps(text, ensure_ascii=False)


def shown(stack: StackReport) -> list[BaseDecision]:
    """The second results whose decision is another than that of the candidate's own suites."""
    return [verdict for verdict in stack.by_base if _differs(verdict, stack)]


def _differs(verdict: BaseDecision, stack: StackReport) -> bool:
    if not verdict.binding or verdict.decision == "NOT_APPLICABLE":
        return False
    own = [suite.decision for suite in stack.suites if suite.suite in verdict.heads]
    return min(own, key=_WORST_FIRST.index, default="NOT_APPLICABLE") != verdict.decision


def headline(verdict: BaseDecision) -> str:
    """The second result in a line."""
    names = " and ".join(last_part(head) for head in verdict.heads if head != verdict.suite)
    now = f" (now in {names})" if names else ""
    return f"by the base's yardstick: {one_line(f'{verdict.suite}{now}')}"
