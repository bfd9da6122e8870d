"""How many answers break the output contract of their prompt, whatever assertions say of them. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from tetrad.results.gate_report import SuiteReport
from tetrad.results.outcome import CaseOutcome, Sample
from tetrad.text import pluralize, shorten

_DETAIL = 160  # characters of an example


@dataclass(frozen=True, kw_only=True, slots=True)
class ContractCounts:
    """Of the answers that came, how many break it; `base_*` are None where nothing is compared."""

    answers: int
    broken: int
    base_answers: int | None
    base_broken: int | None


def contract(suite: SuiteReport) -> ContractCounts:
    now = list(_answers(case.candidate for case in suite.cases))
    before = list(_answers(case.base for case in suite.cases if case.base is not None))
    has_base = any(case.base is not None for case in suite.cases)
    return ContractCounts(
        answers=len(now),
        broken=_broken(now),
        base_answers=len(before) if has_base else None,
        base_broken=_broken(before) if has_base else None,
    )


def breaches(suite: SuiteReport) -> str:
    """That answers break the contract, as a sentence with the most frequent way; empty if none does."""
    found = contract(suite)
    if not found.broken:
        return ""
    frequent = Counter(way for case in suite.cases for way in ways(case.candidate))
    (way, _), *_ = frequent.most_common(1)
    before = f" (base: {found.base_broken:,})" if found.base_broken is not None else ""
    return f"{counted(found.broken, found.answers)}{before}: {shorten(way, _DETAIL)}"


def ways(outcome: CaseOutcome) -> tuple[str, ...]:
    """How the answers to a case break the contract, each way once."""
    found = (f"{b.rule}: {b.detail}" for s in outcome.samples for b in s.breaches)
    return tuple(dict.fromkeys(found))


def counted(broken: int, answers: int) -> str:
    verb = "breaks" if broken == 1 else "break"
    return f"{broken:,} of {pluralize(answers, 'answer')} {verb} the output contract"


def broken_in(outcomes: Iterable[CaseOutcome]) -> tuple[int, int]:
    """How many answers break their contract, and how many came."""
    answers = list(_answers(outcomes))
    return _broken(answers), len(answers)


def _answers(outcomes: Iterable[CaseOutcome]) -> Iterable[Sample]:
    return (s for outcome in outcomes for s in outcome.samples if s.error is None)


def _broken(answers: Iterable[Sample]) -> int:
    return sum(bool(sample.breaches) for sample in answers)
