"""How a stack is served: rollout, limits, fallback. What it names is there, and its numbers fit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise
from typing import Any

from tetrad.loading.context import Context
from tetrad.loading.fields import Fields
from tetrad.model import ENVIRONMENTS
from tetrad.model.defaults import picked
from tetrad.model.references import ENDINGS, reference_of
from tetrad.model.serving import (
    AbortLimits,
    Fallback,
    FixedAnswer,
    OtherStack,
    Queue,
    RolloutPlan,
    Serving,
    UseLimits,
)
from tetrad.schemas.nearest import did_you_mean, nearest
from tetrad.yamldoc.parse import Path


def build_serving(fields: Fields, context: Context) -> Serving:
    raw: Mapping[str, Any] = fields.get("serving") or {}
    environments = raw.get("environments", ())
    for number in range(len(environments)):
        check_environment(fields, context, ("serving", "environments", number))
    rollout = raw.get("rollout", {})
    if "steps" in rollout:
        check_steps(fields, context, ("serving", "rollout", "steps"))
    fallback = None
    if "fallback" in raw:
        fallback = check_fallback(fields, context, ("serving", "fallback"))
    limits = UseLimits()
    if "budget" in raw:
        limits = check_limits(fields, context, ("serving", "budget"))
    return Serving(
        environments=tuple(environments),
        rollout=_rollout(rollout),
        limits=limits,
        queue=Queue(**raw.get("queue", {})),
        fallback=fallback,
        cache_s=raw.get("cache", {}).get("ttl_s"),
        **picked(raw, "sample"),
    )


def _rollout(raw: Mapping[str, Any]) -> RolloutPlan:
    plan = RolloutPlan(
        **picked(raw, "pause_s", "min_requests"), abort_if=AbortLimits(**raw.get("abort_if", {}))
    )
    return replace(plan, steps=tuple(raw["steps"])) if "steps" in raw else plan


def check_steps(fields: Fields, context: Context, path: Path) -> None:
    """Each step of a rollout takes more than the one before, and the last takes all."""
    steps = fields.value(path)
    for number, (before, after) in enumerate(pairwise(steps), start=1):
        if after <= before:
            message = f"{after:g} does not exceed the step before it, {before:g}"
            hint = "write shares in percent that rise to 100, for example [5, 25, 100]"
            context.report(fields.issue((*path, number), message, hint))
            return
    if steps[-1] != 100:
        message = f"the last step is {steps[-1]:g}, not 100"
        hint = "end with 100: a rollout ends when the new identity answers everything"
        context.report(fields.issue((*path, len(steps) - 1), message, hint))


def check_limits(fields: Fields, context: Context, path: Path) -> UseLimits:
    """Limits of use; reported where the warning would come after the refusal."""
    limits = UseLimits(**fields.value(path))
    warn, hard = limits.warn_usd_per_day, limits.usd_per_day
    if warn is not None and hard is not None and warn >= hard:
        message = f"warn_usd_per_day is {warn:g}, and usd_per_day is {hard:g}"
        hint = "warn below the amount at which requests are refused"
        context.report(fields.issue((*path, "warn_usd_per_day"), message, hint))
    return limits


def check_fallback(fields: Fields, context: Context, path: Path) -> Fallback | None:
    """What answers instead; None, reported, where it is this stack or none that is there."""
    written = fields.value(path)
    if not isinstance(written, str):
        return FixedAnswer(**written)
    if written == "previous":
        return "previous"
    if "/" not in written and nearest(written, ["previous"]):
        message = f"{written!r} is not a stack"
        context.report(fields.issue(path, message, "did you mean previous?", code="SCH107"))
        return None
    file = context.names(fields, path, "stack")
    if file == fields.document.origin:
        message, hint = "a stack cannot be its own fallback", "write previous, or another stack"
        context.report(fields.issue(path, message, hint, code="SCH107"))
        return None
    return None if file is None else OtherStack(ref=reference_of(file))


def check_environment(fields: Fields, context: Context, path: Path) -> None:
    """An environment that a stack names is there, once there are any."""
    name = fields.value(path)
    if not any(context.tree.has(f"{ENVIRONMENTS}/{name}{ending}") for ending in ENDINGS):
        known = [
            reference_of(f).removeprefix(f"{ENVIRONMENTS}/")
            for f in context.tree.below(ENVIRONMENTS)
            if f.endswith(ENDINGS)
        ]
        if known:
            hint = did_you_mean(name, known, f"environments are {', '.join(known)}")
            message = f"unknown environment {name!r} in {ENVIRONMENTS}"
            context.report(fields.issue(path, message, hint, code="SCH107"))
