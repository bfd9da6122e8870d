"""One suite on one stack of both trees: which of its cases are affected, and why.

Whether a rendered request changes is seen by rendering it on both trees, which needs what the
runtime needs to prepare one (templates, retrieval) and never an engine's answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from tetrad.canonical import Digest
from tetrad.engines.interfaces import request_digest
from tetrad.identity import component_digest, identity_of
from tetrad.model import Case, Repository, Stack, Suite
from tetrad.plan.changes import Files
from tetrad.plan.partners import Partners
from tetrad.plan.plans import CaseChange, Estimate, SuitePlan, Why
from tetrad.plan.posing import posed, with_cases
from tetrad.runtime.answering import Prepared
from tetrad.trees import FileTree


class Preparer(Protocol):
    """Renders cases without asking the engine: `tetrad.runtime.answering.Runtime` does."""

    def __call__(self, stack: Stack, cases: Sequence[Case]) -> Sequence[Prepared]: ...


class Estimator(Protocol):
    """Says what a suite's cases will ask that is not answered yet, on a stack of a tree."""

    def __call__(
        self, suite: Suite, stack: Stack, prepared: Iterable[Prepared], *, files: FileTree
    ) -> Estimate: ...


def no_estimate(
    suite: Suite,  # noqa: ARG001
    stack: Stack,  # noqa: ARG001
    prepared: Iterable[Prepared],  # noqa: ARG001
    *,
    files: FileTree,  # noqa: ARG001
) -> Estimate:
    """The `Estimator` of who will ask anyway: it does not even look."""
    return Estimate()


@dataclass(frozen=True, kw_only=True, slots=True)
class Side:
    """One side of a comparison."""

    repository: Repository
    files: Files
    prepare: Preparer


@dataclass(frozen=True, kw_only=True, slots=True)
class Both:
    """A stack in both trees, with what is needed to look at it."""

    head: Side
    base: Side
    stack: Stack
    old: Stack
    partners: Partners
    estimate: Estimator

    @property
    def is_same(self) -> bool:
        return identity_of(self.stack) == identity_of(self.old)

    def on_base(self, suite: Suite) -> Suite:
        """A suite of the head with the cases that can be put to the base, as they are put."""
        if self.is_same:
            return suite
        return posed(suite, self.old, self.stack, self.partners.then(suite.ref)).suite

    def estimate_of(self, suite: Suite, now: Sequence[Prepared]) -> Estimate:
        """What a suite of the head asks; one run serves both sides where the identity is the same."""
        least = self.estimate(suite, self.stack, now, files=self.head.repository.files)
        return least if self.is_same else least + self._asked_of_base(self.on_base(suite))

    def estimate_of_base(self, suite: Suite, on_head: Suite) -> Estimate:
        """What a suite of the base asks of both sides, `on_head` as it is put to the candidate, beyond
        what the head's suites ask.
        """
        heads = [self.head.repository.suites[ref] for ref in self.partners.heads(suite.ref)]
        is_regraded = any(head.judges != suite.judges for head in heads)
        partners = self.partners.now(suite.ref)

        def is_new(case: Case) -> bool:
            partner = partners.get(case.id)
            return is_regraded or partner is None or _asking(partner) != _asking(case)

        rest = with_cases(on_head, [case for case in on_head.golden.cases if is_new(case)])
        now = _prepared(self.head, self.stack, rest.golden.cases)
        asked = self.estimate(rest, self.stack, now, files=self.head.repository.files)
        own = with_cases(suite, [case for case in suite.golden.cases if is_new(case)])
        return asked if self.is_same else asked + self._asked_of_base(own)

    def _asked_of_base(self, suite: Suite) -> Estimate:
        then = _prepared(self.base, self.old, suite.golden.cases)
        return self.estimate(suite, self.old, then, files=self.base.repository.files)


def _asking(case: Case) -> Case:
    """The case without what asks nothing of an engine or a judge."""
    return replace(case, id="", derived=False, tags=(), group=None, description="", metadata={})


def new_suite_plan(head: Side, stack: Stack, suite: Suite, estimate: Estimator) -> SuitePlan:
    """The plan of a suite with nothing to compare with."""
    cases = suite.golden.cases
    return SuitePlan(
        suite=suite.ref,
        file=suite.golden.path,
        golden=suite.golden.digest,
        cases_to_run=tuple(CaseChange(id=case.id, why="all") for case in cases),
        unchanged=0,
        estimate=estimate(suite, stack, _prepared(head, stack, cases), files=head.repository.files),
    )


def suite_plan(both: Both, suite: Suite) -> SuitePlan:
    """The plan of a suite of the head on both sides."""
    cases = suite.golden.cases
    now, before = both.head.prepare(both.stack, cases), both.partners.then(suite.ref)
    put = both.on_base(suite).golden.cases
    prepared = both.base.prepare(both.old, put)
    then = {case.id: one for case, one in zip(put, prepared, strict=True)}
    otherwise = _otherwise(both)
    changes = [
        _case_change(case, before.get(case.id), new, then.get(case.id), otherwise)
        for case, new in zip(cases, now, strict=True)
    ]
    to_run = tuple(change for change in changes if change is not None)
    previous = both.base.repository.suites.get(suite.ref)
    left = both.partners.of_base.get(suite.ref, {})
    return SuitePlan(
        suite=suite.ref,
        file=suite.golden.path,
        golden=suite.golden.digest,
        cases_to_run=to_run,
        unchanged=len(cases) - len(to_run),
        removed=tuple(c.id for c in previous.golden.cases if c.id not in left) if previous else (),
        estimate=both.estimate_of(suite, now),
    )


def _otherwise(both: Both) -> Why | None:
    """Why every answer of a stack may differ whatever its requests are; None where none does."""
    stack, old = both.stack, both.old
    if component_digest(stack.model) != component_digest(old.model):
        return "all"
    if [component_digest(t) for t in stack.tools] != [component_digest(t) for t in old.tools]:
        return "tools"
    if (stack.guardrails, stack.max_steps) != (old.guardrails, old.max_steps):
        return "settings"
    return None


def _case_change(
    case: Case, previous: Case | None, new: Prepared, past: Prepared | None, otherwise: Why | None
) -> CaseChange | None:
    """Why a case's answer may differ, None where it cannot."""
    if previous is None or past is None:
        return CaseChange(id=case.id, why="new")
    if otherwise == "all":
        return CaseChange(id=case.id, why="all")
    if _asked(new) != _asked(past):
        before = tuple(passage.document for passage in past.passages)
        after = tuple(passage.document for passage in new.passages)
        moved = [p.text for p in new.passages] != [p.text for p in past.passages]
        return CaseChange(
            id=case.id, why="passages" if moved else "request", before=before, after=after
        )
    if otherwise is not None:
        return CaseChange(id=case.id, why=otherwise)
    if previous != case:  # locations do not count
        return CaseChange(id=case.id, why="edited")
    return None


def _asked(prepared: Prepared) -> Digest | str | None:
    """What decides the answer: the request, or the answer that needs none."""
    return prepared.answer if prepared.request is None else request_digest(prepared.request)


def _prepared(tree: Side, stack: Stack, cases: Sequence[Case]) -> Iterator[Prepared]:
    """The cases' requests; nothing is prepared before it is looked at."""
    yield from tree.prepare(stack, cases)
