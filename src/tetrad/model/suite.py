"""Suites: a golden set, the stacks that it judges, and the gate's requirements."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias

from tetrad.errors import Location
from tetrad.model.cases import GoldenSet
from tetrad.model.models import Model
from tetrad.model.prompt import Prompt
from tetrad.model.references import last_part

if TYPE_CHECKING:
    from tetrad.model.stack import Stack

METRICS = ("answer",)  # of a suite that names none

# The judge that an assertion means which names none, and the one that makes vectors.
DEFAULT_JUDGE = "default"
EMBEDDING_JUDGE = "embedding"


@dataclass(frozen=True, kw_only=True, slots=True)
class Judge:
    """A model with the prompt that makes it grade."""

    name: str
    model: Model
    prompt: Prompt | None = None


By: TypeAlias = Literal["value", "bound"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Minimum:
    """The candidate's mean on `metric` is at least `min`."""

    metric: str
    min: float
    by: By = "value"
    location: Location = field(compare=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class NoWorseThanBase:
    """The candidate's mean on `metric` is at most `margin` under the base's."""

    metric: str
    margin: float
    by: By = "value"
    location: Location = field(compare=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class MustPass:
    """Cases with one of the tags, or named, pass in every repeat."""

    tags: tuple[str, ...] = ()
    cases: tuple[str, ...] = ()
    location: Location = field(compare=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class MaxFlips:
    """At most `count` cases that passed on the base fail now."""

    count: int
    location: Location = field(compare=False)


Measure: TypeAlias = Literal["cost_usd_per_case", "latency_ms", "total_tokens"]
Statistic: TypeAlias = Literal["mean", "p50", "p95", "total"]

# Of what a budget measures, unless it names another.
STATISTICS: Mapping[Measure, Statistic] = {
    "cost_usd_per_case": "mean",
    "latency_ms": "p95",
    "total_tokens": "total",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Budget:
    """An upper limit on what answers cost; `increase` is a share of the base's value (0.1: 10 %)."""

    measure: Measure
    statistic: Statistic
    max: float | None = None
    increase: float | None = None
    location: Location = field(compare=False)


Requirement: TypeAlias = Minimum | NoWorseThanBase | MustPass | MaxFlips | Budget


@dataclass(frozen=True, kw_only=True, slots=True)
class Suite:
    """A golden set, the stacks that it judges, and what the gate asks of them."""

    ref: str  # its folder
    location: Location = field(compare=False)
    description: str = ""
    owner: str = ""
    stacks: tuple[Stack, ...]
    golden: GoldenSet
    metrics: tuple[str, ...] = METRICS
    judges: Mapping[str, Judge] = field(default_factory=dict)
    gate: tuple[Requirement, ...] = ()
    tools: Literal["recorded", "live"] = "recorded"

    @property
    def name(self) -> str:
        return last_part(self.ref)
