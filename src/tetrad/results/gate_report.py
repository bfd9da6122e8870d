"""Decisions and the report: the one value that every output format is rendered from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from tetrad.canonical import Digest, Json
from tetrad.model import Turn
from tetrad.results.outcome import Calls, CaseOutcome

Decision: TypeAlias = Literal["PASSED", "FAILED", "INCONCLUSIVE", "NOT_APPLICABLE"]
Flip: TypeAlias = Literal["none", "broken", "fixed", "already_broken"]


@dataclass(frozen=True, kw_only=True, slots=True)
class RequirementResult:
    """One requirement's decision, with the number that decided and how sure it is.

    `value` is a mean, a mean difference, a count or a cost; `interval` is 95 % for means and
    differences; `mde` is the smallest true difference that n cases would show with 80 % power.
    """

    requirement: str  # min, no_worse_than_base, must_pass, max_flips, cost_usd_per_case, …
    metric: str | None = None  # of a requirement on scores
    statistic: str | None = None  # of a budget: mean, p50, p95 or total
    decision: Decision
    value: float | None = None
    threshold: float | None = None
    interval: tuple[float, float] | None = None
    mde: float | None = None
    n: int = 0
    reason: str
    cases: tuple[str, ...] = ()  # the ids that decided, where cases do

    @property
    def is_floor(self) -> bool:
        """Whether the value must be at least the threshold; else at most."""
        return self.requirement in {"min", "no_worse_than_base"}


@dataclass(frozen=True, kw_only=True, slots=True)
class CaseReport:
    """A case before and after; `base` is None where there is nothing to compare with."""

    id: str
    flip: Flip
    waived: str | None = None  # the waiver's reason and owner
    vars: Mapping[str, Json] = field(default_factory=dict)
    turns: tuple[Turn, ...] = ()  # of the conversation before
    candidate: CaseOutcome
    base: CaseOutcome | None = None

    @property
    def flaky(self) -> bool:
        """Whether repeats of one side disagree, whatever became of the case."""
        return self.candidate.flaky or (self.base is not None and self.base.flaky)


@dataclass(frozen=True, kw_only=True, slots=True)
class WaiverUse:
    """A waiver that counted: a case that may be broken, whoever accepted that, why and how long."""

    case: str  # its id
    reason: str
    owner: str
    until: str  # the last day, YYYY-MM-DD
    is_new: bool = False  # the change itself brings it


@dataclass(frozen=True, kw_only=True, slots=True)
class SuiteReport:
    suite: str  # reference
    digest: Digest  # of all that decides what it says
    file: str  # of the golden set, from the repository's root
    golden: Digest
    decision: Decision
    waived: tuple[WaiverUse, ...] = ()  # those that counted, new ones first
    removed: tuple[str, ...] = ()  # the base's cases that the golden set no longer has
    requirements: tuple[RequirementResult, ...]
    cases: tuple[CaseReport, ...] = field(repr=False)  # as SuiteRun's


@dataclass(frozen=True, kw_only=True, slots=True)
class ComponentChange:
    """A component that moved: its reference, and a unified diff of its file."""

    component: str  # prompt, model, corpus, tools, settings or suite
    ref: str
    diff: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class CoverageChange:
    """A stack or suite that only one side has; or a suite that judges other stacks than before.

    `others` are the suites of a stack, and the stacks that a suite judges, no more or now; of a suite
    that `moved`, because it was renamed or split, the suites that hold its cases; of a stack that was
    `renamed`, what it is called now, and of one `replaced` the new one that is judged in its place.
    `cases` is how many cases an added, removed or moved suite has.
    """

    change: Literal[
        "removed", "judges_less", "judges_more", "moved", "replaced", "renamed", "added"
    ]  # fmt: skip
    kind: Literal["stack", "suite"]
    ref: str
    others: tuple[str, ...] = ()
    cases: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class YardstickChange:
    """One part of what judges a change, or of what is asked, that the change itself moved.

    `ref` is the base's suite, or the model whose prices moved; `before` and `after` say a requirement,
    a setting or prices in words, and of what moved or is gone where it went; `cases` are the base's. A
    new waiver's `ref` is SUITE#CASE, or the suite whose yardstick it accepts away.
    """

    kind: Literal[
        "requirement", "setting", "judge", "code", "assertions", "tags", "input", "moved",
        "removed", "prices", "waiver",
    ]  # fmt: skip
    ref: str
    name: str = ""  # of the setting or the judge
    before: str = ""
    after: str = ""
    cases: tuple[str, ...] = ()
    note: str = ""  # what came of it: how many cases score alike, or both costs


@dataclass(frozen=True, kw_only=True, slots=True)
class AcceptanceUse:
    """A line of the change that takes something out of the base's yardstick."""

    suite: str
    what: str  # case irony, tag refunds, metric tone, requirement max_flips
    reason: str
    owner: str


@dataclass(frozen=True, kw_only=True, slots=True)
class AcceptanceOffer:
    """What a line of waivers.yaml could take out of the base's yardstick."""

    suite: str
    kind: Literal["case", "tag", "metric", "requirement"]
    name: str
    owner: str | None = None  # of the suite


@dataclass(frozen=True, kw_only=True, slots=True)
class BaseDecision:
    """What the base's yardstick says of the candidate, where it is not the candidate's own.

    `decision` counts where `binding`: where the identity moved. `cases` are those that the two
    yardsticks see differently; `offers` would accept what fails by the base's yardstick alone.
    """

    suite: str  # the base's
    heads: tuple[str, ...] = ()  # the candidate's suites that hold its cases now
    decision: Decision
    binding: bool = True
    alike: int = 0  # cases that score the same by both yardsticks
    accepted: tuple[AcceptanceUse, ...] = ()
    offers: tuple[AcceptanceOffer, ...] = ()
    note: str = ""  # why it cannot judge
    requirements: tuple[RequirementResult, ...] = ()
    cases: tuple[CaseReport, ...] = field(default=(), repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Helper:
    """A model beside the one that answers, and what computed for it: versions and device.

    A judge has the name that its suite gives it, an embedder that of its model.
    """

    role: Literal["judge", "embedder"]
    name: str
    build: str


@dataclass(frozen=True, kw_only=True, slots=True)
class StackReport:
    stack: str  # reference
    identity: Digest
    base_identity: Digest | None
    changed: tuple[str, ...]  # names of ComponentChange.component
    changes: tuple[ComponentChange, ...] = ()
    model: str = ""  # the name of the one that answered
    engine: str = ""  # what answered, in words
    build: str = ""  # what computed the answers: versions and device
    base_model: str = ""  # the same of the base; empty where nothing of it answered
    base_engine: str = ""
    base_build: str = ""
    helpers: tuple[Helper, ...] = ()
    preview: bool = False  # another engine than the stack's own answered: never evidence
    note: str = ""  # why nothing ran, or why nothing was compared
    suites: tuple[SuiteReport, ...]
    by_base: tuple[BaseDecision, ...] = ()

    @property
    def decisions(self) -> tuple[Decision, ...]:
        """What counts: the suites', and those by the base's yardstick where the identity changed."""
        by_base = (by.decision for by in self.by_base if by.binding)
        return (*(suite.decision for suite in self.suites), *by_base)


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """What `tetrad gate` prints; `base` and `head` are commits, None outside git or without --base."""

    decision: Decision
    base: str | None
    head: str | None
    dirty: bool
    created: str = ""  # RFC 3339, given by the command
    harness: str = ""  # version of tetrad
    metadata: Mapping[str, str] | None = None
    calls: Calls
    coverage: tuple[CoverageChange, ...] = ()  # what is lost first
    yardstick: tuple[YardstickChange, ...] = ()
    stacks: tuple[StackReport, ...]
