"""The decision on one suite: numbers in, decision and reasons out. No files, clocks or engines.

Missing results refuse: taking a result away can never turn a no into a yes.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType
from typing import Any

from tetrad.model import (
    Budget,
    MaxFlips,
    Minimum,
    MustPass,
    NoWorseThanBase,
    Requirement,
    Suite,
    Waiver,
)
from tetrad.policy.budgets import judge_budget
from tetrad.policy.mean_requirements import judge_minimum, judge_no_worse
from tetrad.policy.paired import PairedCases, worst
from tetrad.policy.pairing import Pair, pair_up
from tetrad.policy.single_cases import judge_max_flips, judge_must_pass
from tetrad.results.gate_report import Decision, Flip, RequirementResult, WaiverUse
from tetrad.results.outcome import SuiteRun

# A new requirement is a class in model/suite.py, a function and a line in this table; docs/architecture.md
# names the other places.
JUDGES: Mapping[type, Callable[[Any, PairedCases], RequirementResult]] = {
    Minimum: judge_minimum,
    NoWorseThanBase: judge_no_worse,
    MustPass: judge_must_pass,
    MaxFlips: judge_max_flips,
    Budget: judge_budget,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class SuiteDecision:
    """What the policy says of one suite, requirement by requirement and case by case.

    `flips` names every case of the golden set; `waived` the cases that a waiver took out, with
    its reason and owner; `waivers` are those that did so, the change's own first.
    """

    decision: Decision
    requirements: tuple[RequirementResult, ...]
    flips: Mapping[str, Flip]
    waived: Mapping[str, str]
    waivers: tuple[WaiverUse, ...]


def decide(
    suite: Suite,
    candidate: SuiteRun,
    base: SuiteRun | None,
    *,
    base_expected: bool,
    why_lost: str = "",
    waivers: Sequence[Waiver],
    brought: Collection[Waiver] = (),
    today: date,
) -> SuiteDecision:
    """Judge a run by its suite's policy.

    `base_expected` says that a base was asked for and has this stack: without its run, whatever
    compares with it is INCONCLUSIVE, for the reason `why_lost` if known, and else NOT_APPLICABLE.
    `brought` are those of the waivers that the change itself brings.
    """
    ordered = sorted(waivers, key=lambda waiver: waiver not in brought)
    accepted = _accepted(ordered, today)
    problem = _not_about(suite, candidate)
    base_problem = _not_about(suite, base) if base else ""
    usable = None if base_problem else base
    pairs = pair_up(suite, None if problem else candidate, usable, accepted)
    paired = PairedCases(
        pairs=pairs,
        base="there" if usable else "lost" if base_expected or base_problem else "none",
        why_lost=f"the base's results {base_problem}" if base_problem else why_lost,
    )
    requirements = tuple(JUDGES[type(r)](r, paired) for r in suite.gate)
    if problem:
        requirements = tuple(_void(r, f"the results {problem}") for r in requirements)
    waiving = [pair for pair in pairs if pair.waiver and _would_count(pair, suite.gate)]
    return SuiteDecision(
        decision=_overall(requirements, pairs),
        requirements=requirements,
        flips=MappingProxyType({pair.id: pair.flip for pair in pairs}),
        waived=MappingProxyType({p.id: _because(p.waiver) for p in waiving if p.waiver}),
        waivers=_uses(waiving, tuple(accepted.values()), brought),
    )


def overall(decisions: Sequence[Decision]) -> Decision:
    """The decision on several suites; no changes, or nothing to compare with, is PASSED."""
    decision = worst(decisions)
    return "PASSED" if decision == "NOT_APPLICABLE" else decision


def _overall(requirements: Sequence[RequirementResult], pairs: Sequence[Pair]) -> Decision:
    """Where no requirement could judge, at least an answer to every case is asked for."""
    decision = worst(r.decision for r in requirements)
    if decision != "NOT_APPLICABLE":
        return decision
    answered = bool(pairs) and all(pair.answered for pair in pairs)
    return "PASSED" if answered else "INCONCLUSIVE"


def _not_about(suite: Suite, run: SuiteRun) -> str:
    """Why the run says nothing about this suite; empty where it does."""
    if run.suite != suite.ref:
        return f"are those of another suite, {run.suite}"
    if run.golden != suite.golden.digest:
        return f"are those of another golden set, {run.golden}"
    if len({outcome.id for outcome in run.cases}) < len(run.cases):
        return "name a case twice"
    return ""


def _void(result: RequirementResult, reason: str) -> RequirementResult:
    return RequirementResult(
        requirement=result.requirement,
        metric=result.metric,
        statistic=result.statistic,
        decision="INCONCLUSIVE",
        threshold=result.threshold,
        reason=reason,
    )


def _accepted(waivers: Sequence[Waiver], today: date) -> Mapping[str, Waiver]:
    """The broken cases that are waived today, by `suite#case`; the first line on a case counts."""
    accepted: dict[str, Waiver] = {}
    for waiver in waivers:
        if waiver.case and waiver.accept == "broken" and not waiver.is_expired(today=today):
            accepted.setdefault(waiver.case, waiver)
    return accepted


def _would_count(pair: Pair, gate: Sequence[Requirement]) -> bool:
    """Whether the policy would have held the case against the candidate."""
    return any(_is_held(pair, requirement) for requirement in gate)


def _is_held(pair: Pair, requirement: Requirement) -> bool:
    match requirement:
        case MaxFlips():
            return pair.flip == "broken"
        case MustPass():
            return not pair.passed and pair.is_named_by(requirement)
    return False


def _because(waiver: Waiver) -> str:
    return f"{waiver.reason} ({waiver.owner}, until {waiver.until.isoformat()})"


def _uses(
    waiving: Sequence[Pair], order: Sequence[Waiver], brought: Collection[Waiver]
) -> tuple[WaiverUse, ...]:
    named = [(pair.id, pair.waiver) for pair in waiving if pair.waiver]
    named.sort(key=lambda entry: order.index(entry[1]))
    return tuple(
        WaiverUse(
            case=case,
            reason=waiver.reason,
            owner=waiver.owner,
            until=waiver.until.isoformat(),
            is_new=waiver in brought,
        )
        for case, waiver in named
    )
