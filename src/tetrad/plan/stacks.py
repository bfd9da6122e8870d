"""From two trees to a plan: which stacks move, by which part, and which cases will run.

Pure, but for what `Side` and `Estimator` are given to look with.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from tetrad.canonical import Digest
from tetrad.identity import identity_of
from tetrad.model import Repository, Stack, Suite
from tetrad.plan.changes import (
    Files,
    changed_parts,
    describe_changes,
    suite_files,
    touched_files,
    unified,
)
from tetrad.plan.partners import Partners
from tetrad.plan.plans import BasePlan, StackPlan
from tetrad.plan.posing import posed
from tetrad.plan.suites import Both, Estimator, Side, new_suite_plan, suite_plan
from tetrad.plan.yardstick import judging_before, measures_cost, prices_moved, suite_moved
from tetrad.results.gate_report import ComponentChange

_UNMOVED = "no changes"
_UNJUDGED = "no suite names this stack, so nothing judges it"


def plan_stacks(
    head: Side,
    base: Side | None,
    partners: Partners | None,
    *,
    stacks: Sequence[Stack],
    estimate: Estimator,
    everything: bool = False,
) -> tuple[StackPlan, ...]:
    """Plan each of `stacks` (the head's), in order; `partners` are those of the two trees.

    `everything` plans the suites that the change does not touch, too.
    """
    return tuple(
        _alone(head, stack, estimate)
        if base is None or partners is None
        else _compared(head, base, partners, stack, estimate, everything=everything)
        for stack in stacks
    )


def suites_of(repository: Repository, stack: Stack) -> tuple[Suite, ...]:
    """The suites that judge a stack."""
    return tuple(repository.suites_by_stack.get(stack.ref, ()))


def _alone(head: Side, stack: Stack, estimate: Estimator) -> StackPlan:
    suites = tuple(
        new_suite_plan(head, stack, suite, estimate) for suite in suites_of(head.repository, stack)
    )
    return StackPlan(
        stack=stack.ref,
        identity=identity_of(stack),
        base_identity=None,
        changed=(),
        changes=(),
        suites=suites,
        note="" if suites else _UNJUDGED,
    )


def _compared(
    head: Side,
    base: Side,
    partners: Partners,
    stack: Stack,
    estimate: Estimator,
    *,
    everything: bool,
) -> StackPlan:
    old = base.repository.stacks.get(partners.was(stack.ref))
    if old is None:
        planned = _alone(head, stack, estimate)
        return replace(
            planned, note=planned.note or "the base has no such stack: it is judged alone"
        )
    both = Both(head=head, base=base, stack=stack, old=old, partners=partners, estimate=estimate)
    parts = changed_parts(stack, old)
    changes = describe_changes(stack, old, parts, head.files, base.files)
    suites = suites_of(head.repository, stack)
    moved = [suite for suite in suites if parts or _is_judged_otherwise(suite, both)]
    gone = _gone(suites, suites_of(base.repository, old), partners)
    identity_moved = bool(parts)
    if (moved or gone) and not parts:
        parts = ("suite",)
    changes += tuple(c for suite in moved for c in _suite_changes(suite, both))
    return StackPlan(
        stack=stack.ref,
        identity=identity_of(stack),
        base_identity=identity_of(old),
        changed=parts,
        changes=changes,
        suites=tuple(suite_plan(both, suite) for suite in (suites if everything else moved)),
        by_base=tuple(_by_base(both, moved, binding=identity_moved)),
        note="; ".join(
            said
            for said in (
                _origin(stack, old, partners),
                gone or _note(stack, old, parts, suites, head.files, base.files),
            )
            if said
        ),
    )


def _origin(stack: Stack, old: Stack, partners: Partners) -> str:
    if old.ref == stack.ref:
        return ""
    if stack.ref in partners.replaced:
        return f"takes the place of {old.ref}, so what judged that judges it, too"
    return f"renamed from {old.ref}"


def _is_judged_otherwise(suite: Suite, both: Both) -> bool:
    if suite_moved(suite, both.base.repository.suites.get(suite.ref)):
        return True
    return prices_moved(both.stack, both.old) and measures_cost(suite)


def _by_base(both: Both, moved: Sequence[Suite], *, binding: bool) -> Iterator[BasePlan]:
    """The base's suites that judge the candidate too. One of the same identity they only describe,
    beside a suite of the head that judges it anew.
    """
    judged = {suite.ref for suite in moved}
    for suite in judging_before(
        both.head.repository, both.base.repository, both.stack, both.old, both.partners
    ):
        heads = both.partners.heads(suite.ref)
        if not binding and judged.isdisjoint(heads):
            continue
        put = posed(suite, both.stack, both.old, both.partners.now(suite.ref))
        yield BasePlan(
            suite=suite.ref,
            heads=heads,
            cases=len(suite.golden.cases),
            unfit=tuple(put.unfit),
            edited=tuple(put.edited),
            binding=binding,
            estimate=both.estimate_of_base(suite, put.faithful),
        )


def _gone(suites: Sequence[Suite], before: Sequence[Suite], partners: Partners) -> str:
    """Which suites judged the stack on the base and do so no more, under whatever name."""
    left = {suite.ref for suite in suites}
    gone = [
        suite.ref
        for suite in before
        if suite.ref not in left and left.isdisjoint(partners.heads(suite.ref))
    ]
    if not gone:
        return ""
    said = f"no longer judged by {', '.join(gone)}"
    return said if suites else f"{said}: nothing judges it now"


def _suite_changes(suite: Suite, both: Both) -> tuple[ComponentChange, ...]:
    """The diffs of a suite's own files, where what they say moved."""
    old = both.base.repository.suites.get(suite.ref)
    if not suite_moved(suite, old):
        return ()
    then, now = both.base.files, both.head.files
    return tuple(
        ComponentChange(component="suite", ref=path, diff=diff)
        for path in sorted(suite_files(suite) | (suite_files(old) if old else set()))
        if (diff := unified(then.text(path), now.text(path), path))
    )


def unmoved_plan(stack: str, identity: Digest, *, judged: bool) -> StackPlan:
    """The plan of a stack that is made, and judged, of the same on both sides."""
    return StackPlan(
        stack=stack,
        identity=identity,
        base_identity=identity,
        changed=(),
        changes=(),
        suites=(),
        note=_UNMOVED if judged else _UNJUDGED,
    )


def _note(
    stack: Stack,
    old: Stack,
    parts: tuple[str, ...],
    suites: Sequence[Suite],
    new: Files,
    past: Files,
) -> str:
    """Why nothing runs, where nothing does."""
    if not suites:
        return _UNJUDGED
    if parts:
        return ""
    touched = touched_files(stack, old, new, past)
    if not touched:
        return _UNMOVED
    return f"{', '.join(touched)}: only non-behavioural fields changed; identity unchanged"
