"""What a gate asks, in words, and what of it a change asks no more. Pure."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from types import MappingProxyType
from typing import NamedTuple

from tetrad.model import Budget, MaxFlips, Minimum, MustPass, NoWorseThanBase, Requirement
from tetrad.text import milliseconds, usd

_STATISTICS = {"mean": "mean", "p50": "median", "p95": "p95", "total": "total"}
_MEASURES = {"cost_usd_per_case": "cost", "latency_ms": "latency", "total_tokens": "tokens"}
_NOTHING: Mapping[str, str] = MappingProxyType({})


class Loosened(NamedTuple):
    """What was required, and what is in its place; empty where nothing is."""

    before: str
    after: str


def loosened(
    before: Sequence[Requirement],
    after: Iterable[Requirement],
    renamed: Mapping[str, str] = _NOTHING,
) -> Iterator[Loosened]:
    """The requirements that a change takes away or makes easier to hold; `renamed` are metrics."""
    left = list(after)
    had = [_under(old, renamed) for old in before]
    for said, old in zip(before, had, strict=True):
        alike = [new for new in left if _subject(new) == _subject(old)]
        if isinstance(old, MustPass):
            alike = _together(alike)
        if not any(_holds(new, old) for new in alike):
            instead = alike or _in_place_of(old, left, had)
            yield Loosened(told(said), told(instead[0]) if instead else "")


def _under(requirement: Requirement, renamed: Mapping[str, str]) -> Requirement:
    if isinstance(requirement, Minimum | NoWorseThanBase):
        metric = renamed.get(requirement.metric, requirement.metric)
        return replace(requirement, metric=metric)
    return requirement


def _in_place_of(
    old: Requirement, after: Iterable[Requirement], before: Iterable[Requirement]
) -> list[Requirement]:
    """What a change asks anew of the metric or the quantity of which it asks the old no more."""
    known = {_subject(one) for one in before}
    return [
        new
        for new in after
        if _subject(new) not in known and _measured(new) == _measured(old) != ""
    ]


def _measured(requirement: Requirement) -> str:
    match requirement:
        case Minimum() | NoWorseThanBase():
            return f"metric {requirement.metric}"
        case Budget():
            return requirement.measure
    return ""


def _together(requirements: Iterable[Requirement]) -> list[Requirement]:
    """What must pass by any of several requirements, as one."""
    several = [r for r in requirements if isinstance(r, MustPass)]
    tags = dict.fromkeys(tag for r in several for tag in r.tags)
    cases = dict.fromkeys(case for r in several for case in r.cases)
    return [replace(one, tags=tuple(tags), cases=tuple(cases)) for one in several[:1]]


def told(requirement: Requirement) -> str:
    """A requirement in a few words."""
    match requirement:
        case Minimum():
            return f"{requirement.metric} ≥ {_number(requirement.min)}{_by(requirement)}"
        case NoWorseThanBase():
            margin = _number(requirement.margin)
            return f"{requirement.metric} at most {margin} below the base{_by(requirement)}"
        case MustPass():
            named = [f"tag {tag}" for tag in requirement.tags]
            named += [f"case {case}" for case in requirement.cases]
            return f"must pass: {', '.join(named)}"
        case MaxFlips():
            return f"flips ≤ {requirement.count:,}"
    return _budget(requirement)


def _budget(requirement: Budget) -> str:
    subject = f"{_STATISTICS[requirement.statistic]} {_MEASURES[requirement.measure]}"
    limits = []
    if requirement.max is not None:
        limits.append(f"≤ {_amount(requirement, requirement.max)}")
    if requirement.increase is not None:
        limits.append(f"at most {requirement.increase * 100:g} % over the base")
    return f"{subject} {' and '.join(limits)}"


def _amount(requirement: Budget, value: float) -> str:
    if requirement.measure == "cost_usd_per_case":
        return usd(value)
    return milliseconds(value) if requirement.measure == "latency_ms" else f"{value:,.0f}"


def _by(requirement: Minimum | NoWorseThanBase) -> str:
    return " by bound" if requirement.by == "bound" else ""


def _number(value: float) -> str:
    """As a file writes it, with at least two decimals."""
    whole, _, fraction = f"{Decimal(repr(round(value, 12))):f}".partition(".")
    return f"{whole}.{fraction.ljust(2, '0')}"


def _subject(requirement: Requirement) -> Hashable:
    """What a requirement is about: those of one subject can be compared."""
    match requirement:
        case Minimum() | NoWorseThanBase():
            return type(requirement), requirement.metric
        case Budget():
            return type(requirement), requirement.measure, requirement.statistic
    return requirement.__class__.__name__


def _holds(new: Requirement, old: Requirement) -> bool:
    """Whether whatever holds by the new requirement holds by the old one."""
    match new, old:
        case Minimum(), Minimum():
            return new.min >= old.min and _is_as_sure(new, old)
        case NoWorseThanBase(), NoWorseThanBase():
            return new.margin <= old.margin and _is_as_sure(new, old)
        case MaxFlips(), MaxFlips():
            return new.count <= old.count
        case MustPass(), MustPass():
            return set(new.tags) >= set(old.tags) and set(new.cases) >= set(old.cases)
        case Budget(), Budget():
            return _is_within(new.max, old.max) and _is_within(new.increase, old.increase)
    return new == old


def _is_as_sure(new: Minimum | NoWorseThanBase, old: Minimum | NoWorseThanBase) -> bool:
    return new.by in {old.by, "bound"}


def _is_within(new: float | None, old: float | None) -> bool:
    return old is None or (new is not None and new <= old)
