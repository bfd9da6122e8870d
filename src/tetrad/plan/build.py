"""From two trees to a plan: which stacks move, by which part, and which cases will run.

Whether a rendered request changes is seen by rendering it on both trees, which needs what the
runtime needs to prepare one (templates, retrieval) and never an engine's answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from tetrad.canonical import Digest
from tetrad.engines.base import request_digest
from tetrad.identity import component_digest, identity_of, suite_digest
from tetrad.model import Case, Repository, Stack, Suite
from tetrad.plan.changes import (
    Files,
    changed_parts,
    describe_changes,
    suite_files,
    touched_files,
    unified,
)
from tetrad.plan.model import CaseChange, Estimate, StackPlan, SuitePlan
from tetrad.results.report import ComponentChange
from tetrad.runtime.answering import Prepared


class Preparer(Protocol):
    """Renders cases without asking the engine: `tetrad.runtime.answering.Runtime` does."""

    def __call__(self, stack: Stack, cases: Sequence[Case]) -> Sequence[Prepared]: ...


class Estimator(Protocol):
    """Says what a suite's cases will ask that is not answered yet, on a stack of the tree at `root`."""

    def __call__(
        self, suite: Suite, stack: Stack, prepared: Iterable[Prepared], *, root: Path
    ) -> Estimate: ...


def no_estimate(
    suite: Suite,  # noqa: ARG001
    stack: Stack,  # noqa: ARG001
    prepared: Iterable[Prepared],  # noqa: ARG001
    *,
    root: Path,  # noqa: ARG001
) -> Estimate:
    """The `Estimator` of who will ask anyway: it does not even look."""
    return Estimate()


@dataclass(frozen=True, kw_only=True, slots=True)
class Tree:
    """One side of a comparison."""

    repository: Repository
    files: Files
    prepare: Preparer


def plan_stacks(
    head: Tree, base: Tree | None, *, stacks: Sequence[Stack], estimate: Estimator
) -> tuple[StackPlan, ...]:
    """Plan each of `stacks` (the head's), in order."""
    return tuple(
        _alone(head, stack, estimate) if base is None else _compared(head, base, stack, estimate)
        for stack in stacks
    )


def suites_of(repository: Repository, stack: Stack) -> tuple[Suite, ...]:
    """The suites that judge a stack."""
    return tuple(repository.suites_by_stack.get(stack.ref, ()))


def _alone(head: Tree, stack: Stack, estimate: Estimator) -> StackPlan:
    suites = tuple(
        _new_suite_plan(head, stack, suite, estimate) for suite in suites_of(head.repository, stack)
    )
    return StackPlan(
        stack=stack.ref,
        identity=identity_of(stack),
        base_identity=None,
        changed=(),
        changes=(),
        suites=suites,
        note="" if suites else "no suite names this stack, so nothing judges it",
    )


def _new_suite_plan(head: Tree, stack: Stack, suite: Suite, estimate: Estimator) -> SuitePlan:
    cases = suite.golden.cases
    return SuitePlan(
        suite=suite.ref,
        file=suite.golden.path,
        golden=suite.golden.digest,
        cases_to_run=tuple(CaseChange(id=case.id, why="all") for case in cases),
        unchanged=0,
        estimate=estimate(suite, stack, _prepared(head, stack, cases), root=head.repository.root),
    )


def _compared(head: Tree, base: Tree, stack: Stack, estimate: Estimator) -> StackPlan:
    old = base.repository.stacks.get(stack.ref)
    if old is None:
        planned = _alone(head, stack, estimate)
        return replace(
            planned, note=planned.note or "the base has no such stack: it is judged alone"
        )
    parts = changed_parts(stack, old)
    changes = describe_changes(stack, old, parts, head.files, base.files)
    suites = suites_of(head.repository, stack)
    moved = [suite for suite in suites if parts or _suite_moved(suite, base.repository)]
    gone = _gone(suites, suites_of(base.repository, old))
    if (moved or gone) and not parts:
        parts = ("suite",)
    changes += tuple(c for suite in moved for c in _suite_changes(suite, head.files, base))
    return StackPlan(
        stack=stack.ref,
        identity=identity_of(stack),
        base_identity=identity_of(old),
        changed=parts,
        changes=changes,
        suites=tuple(_suite_plan(head, base, stack, old, suite, estimate) for suite in moved),
        note=gone or _note(stack, old, parts, suites, head.files, base.files),
    )


def _gone(suites: Sequence[Suite], before: Sequence[Suite]) -> str:
    """Which suites judged the stack on the base and do so no more; empty where all still do."""
    left = {suite.ref for suite in suites}
    gone = [suite.ref for suite in before if suite.ref not in left]
    if not gone:
        return ""
    said = f"judged on the base by {', '.join(gone)}, and no more"
    return said if suites else f"{said}: nothing judges it now"


def _suite_moved(suite: Suite, base: Repository) -> bool:
    old = base.suites.get(suite.ref)
    return old is None or suite_digest(old) != suite_digest(suite)


def _suite_changes(suite: Suite, new: Files, base: Tree) -> tuple[ComponentChange, ...]:
    """The diffs of a suite's own files, where what they say moved."""
    if not _suite_moved(suite, base.repository):
        return ()
    old = base.repository.suites.get(suite.ref)
    return tuple(
        ComponentChange(component="suite", ref=path, diff=diff)
        for path in sorted(suite_files(suite) | (suite_files(old) if old else set()))
        if (diff := unified(base.files.text(path), new.text(path), path))
    )


def _suite_plan(
    head: Tree, base: Tree, stack: Stack, old: Stack, suite: Suite, estimate: Estimator
) -> SuitePlan:
    previous = base.repository.suites.get(suite.ref)
    before = {case.id: case for case in previous.golden.cases} if previous else {}
    cases = suite.golden.cases
    now, then = head.prepare(stack, cases), base.prepare(old, cases)
    other_model = component_digest(stack.model) != component_digest(old.model)
    changes = [
        _case_change(case, before.get(case.id), new, past, other_model=other_model)
        for case, new, past in zip(cases, now, then, strict=True)
    ]
    to_run = tuple(change for change in changes if change is not None)
    return SuitePlan(
        suite=suite.ref,
        file=suite.golden.path,
        golden=suite.golden.digest,
        cases_to_run=to_run,
        unchanged=len(cases) - len(to_run),
        removed=tuple(id_ for id_ in before if id_ not in {case.id for case in cases}),
        estimate=estimate(suite, stack, now, root=head.repository.root)
        + _of_base(base, stack, old, suite, then, estimate),
    )


def _of_base(
    base: Tree,
    stack: Stack,
    old: Stack,
    suite: Suite,
    then: Sequence[Prepared],
    estimate: Estimator,
) -> Estimate:
    """What the base asks besides; one run serves both where the identity is the same."""
    if identity_of(old) == identity_of(stack):
        return Estimate()
    return estimate(suite, old, then, root=base.repository.root)


def _case_change(
    case: Case, previous: Case | None, new: Prepared, past: Prepared, *, other_model: bool
) -> CaseChange | None:
    """Why a case's answer may differ, None where it cannot."""
    before = tuple(passage.document for passage in past.passages)
    after = tuple(passage.document for passage in new.passages)
    if previous is None:
        return CaseChange(id=case.id, why="new")
    if other_model:
        return CaseChange(id=case.id, why="all")
    if _asked(new) != _asked(past):
        moved = [p.text for p in new.passages] != [p.text for p in past.passages]
        return CaseChange(
            id=case.id, why="passages" if moved else "request", before=before, after=after
        )
    if previous != case:  # locations do not count
        return CaseChange(id=case.id, why="edited")
    return None


def _asked(prepared: Prepared) -> Digest | str | None:
    """What decides the answer: the request, or the answer that needs none."""
    return prepared.answer if prepared.request is None else request_digest(prepared.request)


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
        return "no suite names this stack, so nothing judges it"
    if parts:
        return ""
    touched = touched_files(stack, old, new, past)
    if not touched:
        return "nothing moved"
    return f"{', '.join(touched)}: only what is not behavioural moved, so the identity is the same"


def _prepared(tree: Tree, stack: Stack, cases: Sequence[Case]) -> Iterator[Prepared]:
    """The cases' requests; nothing is prepared before it is looked at."""
    yield from tree.prepare(stack, cases)
