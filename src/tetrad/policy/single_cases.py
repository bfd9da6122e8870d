"""Requirements on single cases: `must_pass` and `max_flips`."""

from __future__ import annotations

from typing import TypeAlias

from tetrad.model import MaxFlips, MustPass
from tetrad.policy.paired import PairedCases, named
from tetrad.policy.pairing import Pair, ids
from tetrad.results.gate_report import Decision, RequirementResult
from tetrad.text import pluralize

_Verdict: TypeAlias = "tuple[Decision, str, tuple[Pair, ...]]"


def judge_must_pass(requirement: MustPass, paired: PairedCases) -> RequirementResult:
    chosen = tuple(pair for pair in paired.pairs if pair.is_named_by(requirement))
    held = tuple(pair for pair in chosen if pair.waiver is None or pair.passed)
    decision, reason, decided = _must_pass_verdict(requirement, chosen, held)
    return RequirementResult(
        requirement="must_pass",
        decision=decision,
        value=float(sum(pair.surely_failed for pair in held)),
        threshold=0.0,
        n=len(held),
        reason=reason,
        cases=ids(decided),
    )


def judge_max_flips(requirement: MaxFlips, paired: PairedCases) -> RequirementResult:
    threshold, paired = float(requirement.count), paired.compared
    if verdict := paired.without_base("what passed before"):
        decision, reason = verdict
        return RequirementResult(
            requirement="max_flips", decision=decision, threshold=threshold, reason=reason
        )
    if not paired.pairs:
        reason = "there are no cases, so nothing shows that none flipped"
        return RequirementResult(
            requirement="max_flips", decision="INCONCLUSIVE", threshold=threshold, reason=reason
        )
    held = tuple(pair for pair in paired.pairs if pair.waiver is None)
    broken = tuple(pair for pair in held if pair.flip == "broken")
    decision, reason, decided = _max_flips_verdict(requirement, held, broken)
    return RequirementResult(
        requirement="max_flips",
        decision=decision,
        value=float(len(broken)),
        threshold=threshold,
        n=len(held),
        reason=reason,
        cases=ids(decided),
    )


def _must_pass_verdict(
    requirement: MustPass, chosen: tuple[Pair, ...], held: tuple[Pair, ...]
) -> _Verdict:
    whose = _whose(requirement)
    cases = pluralize(len(held), "case")
    failed = tuple(pair for pair in held if pair.surely_failed)
    if failed:
        return "FAILED", f"{len(failed):,} of {cases} {whose} failed: {named(ids(failed))}", failed
    unknown = sorted(set(requirement.cases) - {pair.id for pair in chosen})
    if unknown:
        return "INCONCLUSIVE", f"the golden set has no case {named(unknown)}, which must pass", ()
    if not chosen:
        return (
            "INCONCLUSIVE",
            f"the golden set has no case {whose}: nothing shows that they pass",
            (),
        )
    missing = tuple(pair for pair in held if not pair.answered)
    if missing:
        reason = f"{len(missing):,} of {cases} {whose} gave no result: {named(ids(missing))}"
        return "INCONCLUSIVE", reason, missing
    if not held:
        return "PASSED", f"every case {whose} is waived", ()
    return "PASSED", f"{cases} {whose}, and none failed{_aside(chosen, held)}", ()


def _max_flips_verdict(
    requirement: MaxFlips, held: tuple[Pair, ...], broken: tuple[Pair, ...]
) -> _Verdict:
    allowed = f"limit {requirement.count:,}"
    flipped = f"{pluralize(len(broken), 'case')} regressed ({allowed}): {named(ids(broken))}"
    if len(broken) > requirement.count:
        return "FAILED", flipped, broken
    missing = tuple(pair for pair in held if not (pair.answered and pair.base_answered))
    if missing:
        reason = f"{pluralize(len(missing), 'case')} gave no result on one side or both, and flips may hide there"
        return "INCONCLUSIVE", f"{reason}: {named(ids(missing))}", missing
    if broken:
        return "PASSED", flipped, broken
    return "PASSED", f"no cases regressed ({allowed})", ()


def _whose(requirement: MustPass) -> str:
    tags = " or ".join(requirement.tags)
    if requirement.tags and requirement.cases:
        return f"tagged {tags} or named"
    return f"tagged {tags}" if requirement.tags else "named in must_pass"


def _aside(chosen: tuple[Pair, ...], held: tuple[Pair, ...]) -> str:
    waived = len(chosen) - len(held)
    return f" ({waived:,} more waived)" if waived else ""
