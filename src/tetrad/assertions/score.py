"""What an assertion says of an answer, and how scores are held against thresholds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple


class Score(NamedTuple):
    """`value` is in [0, 1]; `reason` says what was found, whether that is a pass or a fail.

    `named` holds further scores by metric, which measure and decide nothing.
    """

    passed: bool
    value: float
    reason: str
    named: Mapping[str, float] = MappingProxyType({})


def reaches(score: float, least: float) -> bool:
    """Whether the score is at least that; what binary makes of an exact share fails nothing."""
    return score >= least - 1e-9


def binary(passed: bool, reason: str) -> Score:
    return Score(passed, 1.0 if passed else 0.0, reason)


def at_least(name: str, value: float, threshold: float | None, default: float) -> Score:
    """The value itself as the score, and whether it reaches the threshold."""
    least = default if threshold is None else threshold
    value = min(1.0, max(0.0, value))
    passed = reaches(value, least)
    return Score(passed, value, f"{name} {value:.2f} {'≥' if passed else '<'} {least:g}")


def negated(score: Score) -> Score:
    """What `not-` makes of a score: the other decision, and what is left of the value."""
    return score._replace(passed=not score.passed, value=1.0 - score.value)


def share(
    wanted: Sequence[str], missing: Sequence[str], threshold: float | None, verb: str
) -> Score:
    """The share that is there of what is wanted; without a threshold all of it must be."""
    value = (len(wanted) - len(missing)) / len(wanted)
    least = 1.0 if threshold is None else threshold
    reason = f"not {verb}: {', '.join(missing)}" if missing else f"{verb}: {', '.join(wanted)}"
    return Score(reaches(value, least), value, reason)
