"""What is executed to judge one suite on one stack, by the candidate's yardstick or by the base's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain

from tetrad.assertions.checks import issues_as_written, issues_on_stack, issues_when_rendered
from tetrad.errors import TetradError
from tetrad.evals.runner import SelectedCases
from tetrad.evals.session import Session
from tetrad.identity import identity_of
from tetrad.model import Acceptance, Case, Repository, Stack, Suite
from tetrad.plan import Partners, posed, priced_as, with_cases
from tetrad.policy import Narrowed, narrowed


@dataclass(frozen=True, kw_only=True, slots=True)
class JudgedSuite:
    """A suite with the runs that it is judged on.

    `unfit` are the cases that cannot be put to the candidate, `edited` those that the change asks
    otherwise, so that they are not put to it; `alone` cannot be put to the base. `why_lost` says why
    there is no base's run where one was expected.
    """

    suite: Suite
    candidate: SelectedCases
    base: SelectedCases | None = None
    why_lost: str = ""
    unfit: Mapping[str, str] = field(default_factory=dict)
    edited: Mapping[str, str] = field(default_factory=dict)
    alone: frozenset[str] = frozenset()

    @property
    def selections(self) -> tuple[SelectedCases, ...]:
        return (self.candidate, self.base) if self.base else (self.candidate,)


@dataclass(frozen=True, kw_only=True, slots=True)
class BaseJudgedSuite:
    """The base's yardstick, as far as the change does not accept it away.

    Without a trial nothing of it is left, or it cannot judge the candidate: `problem` says why.
    """

    by: Narrowed
    trial: JudgedSuite | None = None
    problem: str = ""


def alone(suite: Suite, stack: Stack, *, head: Repository, session: Session) -> JudgedSuite:
    """A suite on a stack with nothing to compare with."""
    return JudgedSuite(suite=suite, candidate=session.select(suite, stack, files=head.files))


@dataclass(frozen=True, kw_only=True, slots=True)
class Sides:
    """Two trees, and what makes their stacks answer."""

    head: Repository
    base: Repository
    partners: Partners
    session: Session

    def by_head(self, suite: Suite, stack: Stack) -> JudgedSuite:
        """The candidate's own yardstick: its suite, its prices."""
        candidate = self.session.select(suite, stack, files=self.head.files)
        old = self.base.stacks.get(self.partners.was(stack.ref))
        if old is None:
            return JudgedSuite(suite=suite, candidate=candidate)
        if identity_of(old) == identity_of(stack):
            return JudgedSuite(suite=suite, candidate=candidate, base=candidate)
        put = posed(suite, old, stack, self.partners.then(suite.ref))
        judged, unjudged = judgeable(put.suite, self.session.answering(old))
        try:
            before = self.session.select(
                judged, priced_as(old, stack), files=self.base.files, suite_files=self.head.files
            )
        except TetradError as error:
            lost = f"this suite cannot judge the base: {error}"
            return JudgedSuite(suite=suite, candidate=candidate, why_lost=lost)
        unasked = frozenset({**put.unfit, **unjudged})
        return JudgedSuite(suite=suite, candidate=candidate, base=before, alone=unasked)

    def by_base(self, suite: Suite, stack: Stack, lines: Sequence[Acceptance]) -> BaseJudgedSuite:
        """The base's yardstick: its suite, its prices. `lines` are those that the change brings."""
        old = self.base.stacks[self.partners.was(stack.ref)]
        names = {suite.ref, *self.partners.heads(suite.ref)}
        by = narrowed(self._sound(suite, old), [line for line in lines if line.suite in names])
        if not by.judges:
            return BaseJudgedSuite(by=by)
        try:
            return BaseJudgedSuite(by=by, trial=self._by_base(by.suite, stack, old))
        except TetradError as error:
            return BaseJudgedSuite(by=by, problem=str(error))

    def _by_base(self, suite: Suite, stack: Stack, old: Stack) -> JudgedSuite:
        priced = priced_as(stack, old)
        if identity_of(old) == identity_of(stack):
            run = self._select(suite, priced, self.head)
            return JudgedSuite(suite=suite, candidate=run, base=run)
        put = posed(suite, stack, old, self.partners.now(suite.ref))
        judged, unjudged = judgeable(put.faithful, self.session.answering(stack))
        trial = JudgedSuite(
            suite=suite,
            candidate=self._select(judged, priced, self.head),
            unfit={**put.unfit, **unjudged},
            edited=put.edited,
        )
        try:
            return replace(trial, base=self._select(suite, old, self.base))
        except TetradError as error:
            return replace(trial, why_lost=f"the base cannot be judged: {error}")

    def _select(self, suite: Suite, stack: Stack, tree: Repository) -> SelectedCases:
        """A suite of the base on a stack of a tree. What its requirements need of the stack is not
        asked: one that cannot be measured is inconclusive.
        """
        lenient = replace(suite, gate=())
        return self.session.select(lenient, stack, files=tree.files, suite_files=self.base.files)

    def _sound(self, suite: Suite, old: Stack) -> Suite:
        """The suite with the cases that judge the base's own stack: the others are no yardstick."""
        put = posed(suite, old, old, {})
        return judgeable(put.suite, self.session.answering(old))[0]


def judgeable(suite: Suite, answering: Stack) -> tuple[Suite, Mapping[str, str]]:
    """The suite with the cases that a stack's answers can be judged by, and why not by others."""
    kept: list[Case] = []
    unjudged: dict[str, str] = {}
    for case in suite.golden.cases:
        golden = suite.golden.with_cases((case,))
        issues = chain(
            issues_as_written(golden),
            issues_on_stack(golden, answering, suite.judges),
            issues_when_rendered(golden),
        )
        issue = next(issues, None)
        if issue is None:
            kept.append(case)
        else:
            unjudged[case.id] = issue.message
    return with_cases(suite, kept), unjudged
