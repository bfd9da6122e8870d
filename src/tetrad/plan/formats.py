"""A plan as text and as JSON. Pure."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import fields
from math import ceil

from tetrad.identity import written_identity
from tetrad.plan.infrastructure import as_json, infrastructure_lines
from tetrad.plan.plans import Amount, BasePlan, CaseChange, Estimate, Plan, StackPlan, SuitePlan
from tetrad.report import words, yardstick_text
from tetrad.results.codec import Codec
from tetrad.text import for_log, json_escaped, one_line, pluralize, usd

SHOWN_CASES = 20
_CODEC = Codec()
NOTHING = "no calls: every answer is kept from earlier"
WHY = {
    "all": "the model changes",
    "new": "new case",
    "edited": "edited case",
    "request": "its request changes",
    "passages": "its passages change",
    "tools": "a tool changes",
    "settings": "the stack's settings change",
}
# Where all cases of a suite have one reason.
_EVERY = {
    "request": "every request changes",
    "tools": "a tool changes",
    "settings": "the stack's settings change",
}


def render_text(plan: Plan) -> str:
    """For a terminal: a block a stack, then the totals."""
    compared = f"against {plan.base[:12]}" if plan.base else "alone (no --base)"
    lines = [f"plan {compared}{', uncommitted edits included' if plan.dirty else ''}", ""]
    coverage = (
        change for change in plan.coverage if change.change != "moved"
    )  # told of by its cases
    told = [*yardstick_text.told(plan.yardstick), *map(words.coverage_change, coverage)]
    if told:
        lines += [*map(one_line, told), ""]
    for stack in plan.stacks:
        lines += [*_stack_lines(stack), ""]
    for environment in plan.infrastructure:
        lines += [*infrastructure_lines(environment), ""]
    lines.append(f"in all: {describe(plan.estimate, nothing=NOTHING)}")
    if plan.estimate.most.seconds:
        lines.append("  (the time is that of so many calls in earlier runs on this machine)")
    return for_log("\n".join(lines)) + "\n"


def render_json(plan: Plan) -> str:
    """The outline of a report, without results."""
    document = {
        "kind": "plan",
        "version": 1,
        "base": plan.base,
        "head": plan.head,
        "dirty": plan.dirty,
        "estimate": _estimate(plan.estimate),
        "coverage": [_CODEC.dump(change) for change in plan.coverage],
        "yardstick": [_CODEC.dump(change) for change in plan.yardstick],
        "stacks": [_stack(stack) for stack in plan.stacks],
        "infrastructure": [as_json(environment) for environment in plan.infrastructure],
    }
    return json_escaped(json.dumps(document, indent=2, ensure_ascii=False)) + "\n"


RENDERERS: Mapping[str, Callable[[Plan], str]] = {"text": render_text, "json": render_json}


def describe(estimate: Estimate, *, nothing: str = "nothing left to ask") -> str:
    """An estimate in words; `nothing` where no call is foreseen."""
    least, most = estimate.least, estimate.most
    if not most.calls:
        return nothing
    parts = [f"{_range(least.calls, most.calls)} {'call' if most.calls == 1 else 'calls'}"]
    if most.judge_calls:
        judging = _range(least.judge_calls, most.judge_calls)
        parts[0] += f" ({judging} of them to judges)"
    if least.input_tokens:
        parts.append(f"about {_range(least.input_tokens, most.input_tokens)} tokens in")
    else:
        parts.append(f"at most {most.input_tokens:,} tokens in")
    if most.output_tokens is None:
        parts.append("answers of any length, since no max_tokens limits them")
    else:
        parts.append(f"at most {most.output_tokens:,} out")
    if most.cost_usd:
        parts.append(f"at most {usd(most.cost_usd)}")
    if most.seconds is None:
        parts.append("duration unknown before the first run")
    elif most.seconds:
        parts.append(f"about {_duration(least.seconds or 0.0, most.seconds)}")
    return ", ".join(parts)


def _range(least: int, most: int) -> str:
    return f"{most:,}" if least == most else f"{least:,} to {most:,}"


def _duration(least: float, most: float) -> str:
    unit, name = (60, "min") if most >= 100 else (1, "s")
    return f"{_range(ceil(least / unit), ceil(most / unit))} {name}"


def _stack_lines(stack: StackPlan) -> list[str]:
    now = written_identity(stack.identity)[:19]
    then = stack.base_identity and written_identity(stack.base_identity)[:19]
    moved = f"{then} → {now}" if then and then != now else now
    lines = [f"{one_line(stack.stack)}  {moved}"]
    if stack.changed:
        lines.append(f"  changed: {one_line(', '.join(stack.changed))}")
        lines += [f"    {one_line(change.ref)}" for change in stack.changes]
    if stack.note:
        lines.append(f"  {one_line(stack.note)}")
    for suite in stack.suites:
        lines += _suite_lines(suite, is_alone=stack.base_identity is None)
    for by_base in stack.by_base:
        lines += _base_lines(by_base)
    return lines


def _base_lines(by_base: BasePlan) -> list[str]:
    """A suite of the base that judges too."""
    counts = "" if by_base.binding else ", for comparison"
    lines = [
        f"  by the base's yardstick{counts}: {one_line(by_base.suite)}, {pluralize(by_base.cases, 'case')}"
    ]
    if by_base.unfit:
        named = ", ".join(one_line(id_) for id_ in by_base.unfit)
        lines.append(f"    cannot be put to the candidate, so they count as failing: {named}")
    if by_base.edited:
        named = ", ".join(one_line(id_) for id_ in by_base.edited)
        lines.append(f"    asked otherwise by the change, so they have no result: {named}")
    return [*lines, f"    {describe(by_base.estimate)}"]


def _suite_lines(suite: SuitePlan, *, is_alone: bool) -> list[str]:
    total = len(suite.cases_to_run) + suite.unchanged
    cases = pluralize(total, "case")
    moved = cases if is_alone else f"{len(suite.cases_to_run):,} of {cases} affected"
    lines = [
        f"  {one_line(suite.suite)}: {moved}",
        f"    {describe(suite.estimate)}",
        *_told(suite),
    ]
    if suite.removed:
        lines.append(f"    removed: {', '.join(one_line(id_) for id_ in suite.removed)}")
    return lines


def _told(suite: SuitePlan) -> list[str]:
    """Why cases are affected, where their stack's own lines do not say it."""
    told = [case for case in suite.cases_to_run if case.why != "all"]
    whys = {case.why for case in suite.cases_to_run}
    if not suite.unchanged and len(whys) == 1 and (every := _EVERY.get(whys.pop())):
        return [f"    {every}"]
    lines = [f"    {one_line(case.id)}: {_why(case)}" for case in told[:SHOWN_CASES]]
    if len(told) > SHOWN_CASES:
        lines.append(f"    … and {len(told) - SHOWN_CASES:,} more (--format json lists all)")
    return lines


def _why(case: CaseChange) -> str:
    if case.why != "passages" or case.before == case.after:
        return WHY[case.why]
    before, after = (one_line(", ".join(ids)) or "nothing" for ids in (case.before, case.after))
    return f"{WHY[case.why]}: {before} → {after}"


def _stack(stack: StackPlan) -> Mapping[str, object]:
    return {
        "stack": stack.stack,
        "identity": written_identity(stack.identity),
        "base_identity": stack.base_identity and written_identity(stack.base_identity),
        "changed": list(stack.changed),
        "files": [change.ref for change in stack.changes],
        "note": stack.note,
        "suites": [
            {
                "suite": suite.suite,
                "golden": str(suite.golden),
                "cases_to_run": [_case(case) for case in suite.cases_to_run],
                "unchanged": suite.unchanged,
                "removed": list(suite.removed),
                "estimate": _estimate(suite.estimate),
            }
            for suite in stack.suites
        ],
        "by_base": [
            {
                "suite": by_base.suite,
                "heads": list(by_base.heads),
                "cases": by_base.cases,
                "unfit": list(by_base.unfit),
                "edited": list(by_base.edited),
                "binding": by_base.binding,
                "estimate": _estimate(by_base.estimate),
            }
            for by_base in stack.by_base
        ],
    }


def _case(case: CaseChange) -> Mapping[str, object]:
    document: dict[str, object] = {"id": case.id, "why": case.why}
    if case.why == "passages":
        document |= {"before": list(case.before), "after": list(case.after)}
    return document


def _estimate(estimate: Estimate) -> Mapping[str, object]:
    return {
        field.name: {
            "least": getattr(estimate.least, field.name),
            "most": getattr(estimate.most, field.name),
        }
        for field in fields(Amount)
    }
