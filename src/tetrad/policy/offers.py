"""What would accept what fails by the base's yardstick alone, as lines of waivers.yaml can."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Literal, NamedTuple

from tetrad.model import Suite
from tetrad.policy.decide import SuiteDecision
from tetrad.policy.statistics import TOLERANCE
from tetrad.results.gate_report import AcceptanceOffer, RequirementResult
from tetrad.results.outcome import CaseOutcome, SuiteRun

# More cases than these are better accepted by the requirement that they break.
_MOST_CASES = 10


def offered(
    suite: Suite,
    decided: SuiteDecision,
    candidate: SuiteRun,
    own: Mapping[str, CaseOutcome],
    *,
    regraded: Collection[str],
    edited: Collection[str],
) -> tuple[AcceptanceOffer, ...]:
    """Each thing that, accepted, leaves nothing of a suite of the base to refuse by.

    `own` are the outcomes by the candidate's yardstick, `regraded` the cases whose judge or code the
    change moves, `edited` those that it asks otherwise.
    """
    by_base = {outcome.id: outcome for outcome in candidate.cases}
    seen = _Seen(by_base, own, regraded, edited)
    refusing = (f for f in decided.requirements if f.decision in {"FAILED", "INCONCLUSIVE"})
    return tuple(dict.fromkeys(offer for f in refusing for offer in _offers(f, suite, seen)))


def offered_whole(suite: Suite, requirements: Iterable[str]) -> tuple[AcceptanceOffer, ...]:
    """Each requirement of a suite of the base."""
    return tuple(dict.fromkeys(_offer(suite, "requirement", name) for name in requirements))


def _offer(
    suite: Suite, kind: Literal["case", "tag", "metric", "requirement"], name: str
) -> AcceptanceOffer:
    return AcceptanceOffer(suite=suite.ref, kind=kind, name=name, owner=suite.owner)


class _Seen(NamedTuple):
    """The candidate's outcomes by the base's yardstick and by its own."""

    by_base: Mapping[str, CaseOutcome]
    own: Mapping[str, CaseOutcome]
    regraded: Collection[str]
    edited: Collection[str]

    @property
    def lost_by_edits(self) -> list[str]:
        """The cases without a result, where every one of them is edited."""
        missing = [id_ for id_, outcome in self.by_base.items() if outcome.missing]
        return missing if all(id_ in self.edited for id_ in missing) else []

    def fails_alone(self, id_: str) -> bool:
        """Whether a case fails by the base's yardstick, and not by its own."""
        outcome, own = self.by_base[id_], self.own.get(id_)
        return not outcome.passed and (own is None or own.passed)

    def scores_less(self, id_: str, metric: str | None) -> bool:
        """Whether a case scores less by the base's yardstick than by its own."""
        score = self.by_base[id_].metrics.get(metric or "")
        own = self.own[id_].metrics.get(metric or "") if id_ in self.own else 1.0
        return score is not None and (own is None or score < own - TOLERANCE)


def _offers(found: RequirementResult, suite: Suite, seen: _Seen) -> Iterator[AcceptanceOffer]:
    whole = _offer(suite, "requirement", found.requirement)
    if found.decision == "INCONCLUSIVE":
        yield from _cases(seen.lost_by_edits, whole, suite, seen)
    elif found.requirement == "must_pass":
        yield from _cases(list(found.cases), whole, suite, seen)
    elif found.requirement == "max_flips":
        alone = [id_ for id_ in found.cases if seen.fails_alone(id_)]
        others = len(found.cases) - len(alone)
        yield from (
            _cases(alone, whole, suite, seen) if others <= (found.threshold or 0) else [whole]
        )
    elif found.requirement in {"min", "no_worse_than_base"}:
        less = [id_ for id_ in seen.by_base if seen.scores_less(id_, found.metric)]
        yield from _cases(less, whole, suite, seen)
    else:
        yield whole


def _cases(
    ids: list[str], whole: AcceptanceOffer, suite: Suite, seen: _Seen
) -> Iterator[AcceptanceOffer]:
    """What accepts some cases: the metrics that are graded anew, tags that all of them carry, else
    each of them; the requirement where none is to blame, or too many.
    """
    metrics = {
        result.metric
        for id_ in ids
        if id_ in seen.regraded
        for sample in seen.by_base[id_].samples
        for result in sample.assertions
        if not result.passed or result.score < 1
    }
    left = [id_ for id_ in ids if not (metrics and id_ in seen.regraded)]
    offers = [_offer(suite, "metric", metric) for metric in sorted(metrics)]
    for tag, carrying in _tags(suite).items():
        if len(carrying) > 1 and carrying <= set(left):
            offers.append(_offer(suite, "tag", tag))
            left = [id_ for id_ in left if id_ not in carrying]
    offers += [_offer(suite, "case", id_) for id_ in left]
    yield from [whole] if not offers or len(left) > _MOST_CASES else offers


def _tags(suite: Suite) -> Mapping[str, set[str]]:
    """The cases that carry a tag."""
    found: dict[str, set[str]] = {}
    for case in suite.golden.cases:
        for tag in case.tags:
            found.setdefault(tag, set()).add(case.id)
    return found
