"""The gate's requirements: one key of each clause says which it is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from tetrad.assertions.types.limits import latency_lack
from tetrad.loading.context import Context
from tetrad.loading.fields import Fields
from tetrad.model import (
    STATISTICS,
    Budget,
    MaxFlips,
    Minimum,
    MustPass,
    NoWorseThanBase,
    Requirement,
    Stack,
)
from tetrad.model.defaults import picked
from tetrad.schemas.nearest import did_you_mean
from tetrad.yamldoc.parse import Path

_KINDS = (
    "min", "no_worse_than_base", "must_pass", "max_flips",
    "cost_usd_per_case", "latency_ms", "total_tokens",
)  # fmt: skip


def build_gate(
    fields: Fields, context: Context, metrics: Sequence[str], stacks: Sequence[Stack]
) -> tuple[Requirement, ...]:
    """The requirements of a suite, in order; clauses that make no sense are reported."""
    return tuple(
        requirement
        for number, raw in enumerate(fields.get("gate", ()))
        for requirement in _requirement(fields, context, metrics, stacks, number, raw)
    )


def _requirement(
    fields: Fields,
    context: Context,
    metrics: Sequence[str],
    stacks: Sequence[Stack],
    number: int,
    raw: dict[str, Any],
) -> Iterator[Requirement]:
    path: Path = ("gate", number)
    kinds = [kind for kind in _KINDS if kind in raw]
    if len(kinds) != 1:
        message = f"{' and '.join(kinds)} are two requirements" if kinds else "nothing is required"
        hint = "write one of " + ", ".join(_KINDS) + " in each item"
        context.report(fields.issue(path, message, hint))
        return
    (kind,) = kinds
    of_metric = kind in {"min", "no_worse_than_base"}
    for key in raw.keys() - {kind} - ({"metric", "by"} if of_metric else set()):
        message = f"{key!r} is not valid with {kind}"
        context.report(fields.issue((*path, key), message, "leave it out", at_key=True))
    if of_metric and raw.get("metric", metrics[0]) not in metrics:
        hint = did_you_mean(raw["metric"], metrics, "add it to metrics:")
        message = f"the suite has no metric {raw['metric']!r}"
        context.report(fields.issue((*path, "metric"), message, hint))
    if kind == "latency_ms":
        _check_latency(fields, context, stacks, path)
    yield _build(kind, raw, metrics, fields.at(path))


def _build(kind: str, raw: dict[str, Any], metrics: Sequence[str], location: Any) -> Requirement:
    value = raw[kind]
    metric, by = raw.get("metric", metrics[0]), picked(raw, "by")
    if kind == "min":
        return Minimum(metric=metric, min=value, location=location, **by)
    if kind == "no_worse_than_base":
        return NoWorseThanBase(metric=metric, margin=value, location=location, **by)
    if kind == "must_pass":
        tags, cases = _several(value.get("tag", ())), _several(value.get("case", ()))
        return MustPass(tags=tags, cases=cases, location=location)
    if kind == "max_flips":
        return MaxFlips(count=value, location=location)
    measure: Any = kind
    return Budget(
        measure=measure,
        statistic=value.get("statistic", STATISTICS[measure]),
        location=location,
        **picked(value, "max", "increase"),
    )


def _several(value: str | list[str] | tuple[str, ...]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)


def _check_latency(fields: Fields, context: Context, stacks: Sequence[Stack], path: Path) -> None:
    for stack in stacks:
        lack = latency_lack(stack)
        if lack is not None:
            message = f"{lack} ({stack.ref})"
            hint = "leave it out, or judge a stack whose model is behind an endpoint"
            context.report(fields.issue((*path, "latency_ms"), message, hint, at_key=True))
            return
