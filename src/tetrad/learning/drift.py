"""Where live answers differ from the golden set: measures, and whether each has drifted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Literal, TypeAlias

from tetrad.canonical import Digest, Json
from tetrad.learning import shifts

# Below these numbers nothing is said.
LEAST_LIVE = 50
LEAST_CASES = 10
# All measures of a stack together raise a false alarm in at most 5 of 100 runs.
_ALARMS = 0.05
_UNSTABLE = 0.2  # a PSI that is called a shift
_TOLERANCE = 0.05  # of shares, scores and meaning: a smaller change is none
_OF_TOXICITY = 0.01

Decision: TypeAlias = Literal["fine", "drift", "too little data"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Observation:
    """What is compared of one answer."""

    asked: str
    variables: Mapping[str, Json]
    output: str
    refused: bool = False
    broken: bool = False  # the output contract
    stopped: bool = False  # by a guardrail
    toxic: bool | None = None  # None where no judge was asked, or it could not say
    distance: float | None = None  # to the nearest case, by meaning
    scores: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Bar:
    """One bin of a distribution, and its share of each group."""

    label: str
    baseline: float
    live: float


@dataclass(frozen=True, kw_only=True, slots=True)
class DriftMeasure:
    """One comparison. Of a distribution and of meaning, `live` is the index and `chance` what chance
    alone gives; of shares and scores, `interval` is that of live less baseline.
    """

    name: str
    of: Literal["inputs", "outputs"]
    kind: Literal["distribution", "meaning", "share", "score"]
    live: float
    baseline: float | None = None
    interval: tuple[float, float] | None = None
    chance: float | None = None
    n_live: int
    n_baseline: int
    bars: tuple[Bar, ...] = ()
    drifted: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class StackDrift:
    """What was found of one stack."""

    stack: str
    identity: Digest
    answers: int
    cases: int
    elsewhere: int = 0  # answers of other identities, which are not looked at
    measures: tuple[DriftMeasure, ...] = ()
    farthest: tuple[Observation, ...] = ()  # questions that no case is near to
    problem: str = ""  # why nothing can be said

    @property
    def decision(self) -> Decision:
        if self.problem:
            return "too little data"
        return "drift" if any(measure.drifted for measure in self.measures) else "fine"


@dataclass(frozen=True, slots=True)
class _Draft:
    """A measure before it is known how many there are."""

    made: Callable[[float], DriftMeasure]


def measures(
    baseline: Sequence[Observation],
    live: Sequence[Observation],
    *,
    labels: Sequence[str] = (),
    has_contract: bool,
    has_guardrails: bool,
    categories: Mapping[str, Sequence[Json]],
    meaning: tuple[float, Sequence[float]] | None = None,
    seed: str,
) -> tuple[DriftMeasure, ...]:
    """Every measure that there is. `labels` are the only answers, where there are such; `categories`
    the values of the variables that have few; `meaning` the index of questions with those of chance.
    """
    sides = _Sides(baseline, live, seed)
    drafts = [sides.lengths("question length", "inputs", lambda one: len(one.asked))]
    for name, values in categories.items():
        written = [str(value) for value in values]
        drafts.append(sides.kinds(name, "inputs", written, partial(_value, name)))
    if meaning is not None:
        drafts.append(sides.meaning(*meaning))
    if labels:
        drafts.append(sides.kinds("labels", "outputs", labels, lambda one: one.output))
    else:
        drafts.append(sides.lengths("answer length", "outputs", lambda one: len(one.output)))
    drafts.append(sides.shares("refusals", lambda one: one.refused))
    if has_contract:
        drafts.append(sides.shares("contract failures", lambda one: one.broken))
    if has_guardrails:
        drafts.append(sides.shares("guardrails", lambda one: one.stopped))
    drafts += sides.toxicity()
    drafts += sides.scores()
    return tuple(draft.made(_ALARMS / len(drafts)) for draft in drafts)


def _value(name: str, one: Observation) -> str:
    return str(one.variables.get(name))


def farthest(live: Iterable[Observation], count: int = 5) -> tuple[Observation, ...]:
    """The questions that no case is near to; of those asked twice, one."""
    placed = [one for one in live if one.distance is not None]
    placed.sort(key=lambda one: -(one.distance or 0.0))
    once: dict[str, Observation] = {}
    for one in placed:
        once.setdefault(one.asked, one)
    return tuple(once.values())[:count]


class _Sides:
    """Both groups, and the ways to compare them."""

    def __init__(
        self, baseline: Sequence[Observation], live: Sequence[Observation], seed: str
    ) -> None:
        self._baseline = baseline
        self._live = live
        self._seed = seed

    def lengths(
        self, name: str, of: Literal["inputs", "outputs"], length: Callable[[Observation], int]
    ) -> _Draft:
        before, now = [*map(length, self._baseline)], [*map(length, self._live)]
        edges = shifts.edges_of(before, now)
        ends = [f"{edge:,.0f}" for edge in edges]
        labels = [f"{a}–{b}" for a, b in zip(["0", *ends], [*ends, "∞"], strict=True)]
        counts = (shifts.counts_in(before, edges), shifts.counts_in(now, edges))
        return self._distribution(name, of, labels, *counts)

    def kinds(
        self,
        name: str,
        of: Literal["inputs", "outputs"],
        values: Sequence[str],
        kind: Callable[[Observation], str],
    ) -> _Draft:
        """Values of a fixed list; all others are one kind."""
        labels = [*values, "other"]
        places = {value: number for number, value in enumerate(values)}

        def counted(side: Sequence[Observation]) -> list[int]:
            found = [0] * len(labels)
            for one in side:
                found[places.get(kind(one), len(values))] += 1
            return found

        return self._distribution(name, of, labels, counted(self._baseline), counted(self._live))

    def shares(self, name: str, holds: Callable[[Observation], bool]) -> _Draft:
        """Of something that should not become more."""
        before = shifts.mean([float(holds(one)) for one in self._baseline])
        now = shifts.mean([float(holds(one)) for one in self._live])
        return self._bounded("share", name, before, len(self._baseline), now, len(self._live))

    def toxicity(self) -> Iterator[_Draft]:
        """Of the answers that a judge was asked about; a small share is much."""
        before = [float(one.toxic) for one in self._baseline if one.toxic is not None]
        now = [float(one.toxic) for one in self._live if one.toxic is not None]
        if before and now:
            means = (shifts.mean(before), len(before), shifts.mean(now), len(now))
            yield self._bounded("share", "toxic answers", *means, tolerance=_OF_TOXICITY)

    def scores(self) -> Iterator[_Draft]:
        for name in dict.fromkeys(name for one in self._live for name in one.scores):
            before = [one.scores[name] for one in self._baseline if name in one.scores]
            now = [one.scores[name] for one in self._live if name in one.scores]
            if before:
                means = (shifts.mean(before), len(before), shifts.mean(now), len(now))
                yield self._bounded("score", f"score {name}", *means)

    def meaning(self, index: float, by_chance: Sequence[float]) -> _Draft:
        """Where questions lie by meaning."""

        def made(level: float) -> DriftMeasure:
            chance = shifts.quantile(by_chance, 1 - level)
            return DriftMeasure(
                name="question meaning",
                of="inputs",
                kind="meaning",
                live=index,
                chance=chance,
                n_baseline=len(self._baseline),
                n_live=len(self._live),
                drifted=index > max(_TOLERANCE, chance),
            )

        return _Draft(made)

    def _bounded(
        self,
        kind: Literal["share", "score"],
        name: str,
        before: float,
        n_before: int,
        now: float,
        n_now: int,
        tolerance: float = _TOLERANCE,
    ) -> _Draft:
        """Shares become worse as they grow, scores as they fall."""

        def made(level: float) -> DriftMeasure:
            low, high = shifts.difference_of_shares(before, n_before, now, n_now, level=level)
            least, moved = (low, now - before) if kind == "share" else (-high, before - now)
            return DriftMeasure(
                name=name,
                of="outputs",
                kind=kind,
                baseline=before,
                live=now,
                interval=(low, high),
                n_baseline=n_before,
                n_live=n_now,
                drifted=least > 0 and moved >= tolerance,
            )

        return _Draft(made)

    def _distribution(
        self,
        name: str,
        of: Literal["inputs", "outputs"],
        labels: Sequence[str],
        before: Sequence[int],
        now: Sequence[int],
    ) -> _Draft:
        def made(level: float) -> DriftMeasure:
            index = shifts.stability(before, now)
            chance = shifts.stability_by_chance(
                before, now, level=level, seed=f"{self._seed} {name}"
            )
            bars = [
                Bar(label=label, baseline=b / (sum(before) or 1), live=v / (sum(now) or 1))
                for label, b, v in zip(labels, before, now, strict=True)
            ]
            return DriftMeasure(
                name=name,
                of=of,
                kind="distribution",
                live=index,
                chance=chance,
                n_baseline=sum(before),
                n_live=sum(now),
                bars=tuple(bars),
                drifted=index > max(_UNSTABLE, chance),
            )

        return _Draft(made)
