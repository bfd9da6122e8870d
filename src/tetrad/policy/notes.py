"""What a change of the yardstick came to, told beside it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import fsum

from tetrad.policy.base_yardstick import scores_alike
from tetrad.results.gate_report import YardstickChange
from tetrad.results.outcome import CaseOutcome
from tetrad.text import pluralize, usd


@dataclass(frozen=True, kw_only=True, slots=True)
class Sighting:
    """A candidate's outcomes by both yardsticks, by the ids of a suite of the base."""

    suite: str
    model: str
    by_base: Mapping[str, CaseOutcome]
    own: Mapping[str, CaseOutcome]


def noted(
    changes: Iterable[YardstickChange], sightings: Sequence[Sighting]
) -> tuple[YardstickChange, ...]:
    return tuple(replace(one, note=one.note or _note(one, sightings)) for one in changes)


def _note(change: YardstickChange, sightings: Sequence[Sighting]) -> str:
    if change.kind in {"judge", "code", "assertions"}:
        return _scores(change, [seen for seen in sightings if seen.suite == change.ref])
    if change.kind == "prices":
        return _costs([seen for seen in sightings if seen.model == change.ref])
    return ""


def _scores(change: YardstickChange, sightings: Sequence[Sighting]) -> str:
    """How many of the cases score the same as before the change."""
    both = [
        scores_alike(seen.by_base[id_], seen.own[id_])
        for seen in sightings
        for id_ in change.cases
        if id_ in seen.by_base and id_ in seen.own
    ]
    if not both:
        return ""
    if all(both):
        return f"same scores on {pluralize(len(both), 'case')}"
    return f"other scores on {both.count(False):,} of {pluralize(len(both), 'case')}"


def _costs(sightings: Sequence[Sighting]) -> str:
    """The mean cost of the same answers by both prices."""
    before = list(_known(seen.by_base[id_] for seen in sightings for id_ in _common(seen)))
    now = list(_known(seen.own[id_] for seen in sightings for id_ in _common(seen)))
    if not before or not now:
        return ""
    costs = [usd(fsum(values) / len(values)) for values in (before, now)]
    return f"an answer costs {costs[0]} at the base's prices, {costs[1]} now"


def _common(seen: Sighting) -> Iterator[str]:
    return (id_ for id_ in seen.by_base if id_ in seen.own)


def _known(outcomes: Iterable[CaseOutcome]) -> Iterator[float]:
    return (s.cost_usd for o in outcomes for s in o.samples if s.cost_usd is not None)
