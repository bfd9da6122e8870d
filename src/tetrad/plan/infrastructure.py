"""What a merge changes in Kubernetes, by the objects that both sides' programs would apply. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from tetrad.text import one_line, pluralize, shorten, usd

_SHOWN_FIELDS = 3
_SIGNS = {"create": "+", "update": "~", "delete": "-"}


@dataclass(frozen=True, kw_only=True, slots=True)
class FieldChange:
    """A field of an object by its path; None where it is not there."""

    path: str
    before: str | None
    after: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class ObjectChange:
    """An object by KIND/NAME; `restarts`: its pods start anew."""

    object: str
    change: Literal["create", "update", "delete"]
    restarts: bool = False
    fields: tuple[FieldChange, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Monthly:
    """USD per month at the least and at the greatest number of replicas."""

    min: float = 0.0
    max: float = 0.0


@dataclass(frozen=True, kw_only=True, slots=True)
class EnvironmentPlan:
    """An environment in Kubernetes before and after; `problem`: why it could not be applied."""

    environment: str
    problem: str = ""
    objects: tuple[ObjectChange, ...] = ()
    before: Monthly = Monthly()
    after: Monthly = Monthly()
    unpriced: tuple[str, ...] = ()  # resources without a price


def read_infrastructure(told: Sequence[Mapping[str, Any]]) -> tuple[EnvironmentPlan, ...]:
    """From what the infrastructure program prints."""
    return tuple(
        EnvironmentPlan(
            environment=one["environment"],
            problem=one["problem"],
            objects=tuple(map(_object, one["objects"])),
            before=Monthly(**one["usd_per_month"]["base"]),
            after=Monthly(**one["usd_per_month"]["head"]),
            unpriced=tuple(one["unpriced"]),
        )
        for one in told
    )


def _object(told: Mapping[str, Any]) -> ObjectChange:
    fields = tuple(FieldChange(**field) for field in told.get("fields", ()))
    return ObjectChange(
        object=told["object"],
        change=told["change"],
        restarts=told.get("restarts", False),
        fields=fields,
    )


def infrastructure_lines(plan: EnvironmentPlan) -> Iterator[str]:
    """For a terminal."""
    name = f"{one_line(plan.environment)} in Kubernetes"
    if plan.problem:
        yield f"{name}: cannot be applied"
        yield from (f"  {line}" for line in plan.problem.splitlines())
        return
    yield f"{name}: {_summary(plan.objects)}"
    for obj in plan.objects:
        yield f"  {_SIGNS[obj.change]} {one_line(obj.object)}{_note(obj)}"
        for field in obj.fields[:_SHOWN_FIELDS]:
            yield f"      {_field(field)}"
        if len(obj.fields) > _SHOWN_FIELDS:
            more = pluralize(len(obj.fields) - _SHOWN_FIELDS, "more field")
            yield f"      … and {more} (--format json lists all)"
    yield f"  model servers: {_cost(plan)}"


def as_json(plan: EnvironmentPlan) -> Mapping[str, object]:
    return {
        "environment": plan.environment,
        "problem": plan.problem,
        "objects": [
            {
                "object": obj.object,
                "change": obj.change,
                "restarts": obj.restarts,
                "fields": [
                    {"path": one.path, "before": one.before, "after": one.after}
                    for one in obj.fields
                ],
            }
            for obj in plan.objects
        ],
        "usd_per_month": {
            "base": {"min": plan.before.min, "max": plan.before.max},
            "head": {"min": plan.after.min, "max": plan.after.max},
        },
        "unpriced": list(plan.unpriced),
    }


def _summary(objects: Sequence[ObjectChange]) -> str:
    if not objects:
        return "no changes"
    counts = [f"{sum(obj.change == change for obj in objects)} to {change}" for change in _SIGNS]
    restarts = sum(obj.restarts for obj in objects)
    counts.append(f"{restarts} of them to restart" if restarts else "nothing restarts")
    return ", ".join(counts)


def _note(obj: ObjectChange) -> str:
    if obj.change == "delete":
        return "  (once no identity that is kept needs it)"
    return "  (restarts)" if obj.restarts else ""


def _field(field: FieldChange) -> str:
    before, after = (
        "absent" if value is None else shorten(one_line(value), 60)
        for value in (field.before, field.after)
    )
    return f"{one_line(field.path)}: {before} → {after}"


def _cost(plan: EnvironmentPlan) -> str:
    after = f"{usd(plan.after.min)} per month"
    if plan.after.min != plan.before.min:
        after = f"{usd(plan.before.min)} → {after}"
    if plan.after.max > plan.after.min:
        after += f", at most {usd(plan.after.max)}"
    if plan.unpriced:
        after += f", without {', '.join(plan.unpriced)}: no price in kubernetes.usd_per_hour"
    return after
