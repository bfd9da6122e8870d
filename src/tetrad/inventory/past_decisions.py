"""What gates decided about an identity, by the ledger and by the last report."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TypeAlias

from tetrad.canonical import Digest
from tetrad.policy.decide import overall
from tetrad.results.codec import Codec, ShapeError
from tetrad.results.gate_report import Decision, Report, RequirementResult

_CODEC = Codec()
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, kw_only=True, slots=True)
class PastSuiteDecision:
    suite: str  # reference
    digest: Digest
    decision: Decision
    requirements: tuple[RequirementResult, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class DecidedByBase:
    suite: str
    decision: Decision
    binding: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class PastDecision:
    """One decision about a stack, as the ledger has it."""

    at: str = ""  # RFC 3339
    head: str | None
    dirty: bool
    preview: bool
    engine: str = ""  # that answered; empty where an older tetrad did not note it
    suites: tuple[PastSuiteDecision, ...]
    by_base: tuple[DecidedByBase, ...] = ()

    @property
    def decision(self) -> Decision:
        binding = (by.decision for by in self.by_base if by.binding)
        return overall([*(suite.decision for suite in self.suites), *binding])


BySuite: TypeAlias = Mapping[tuple[str, Digest], tuple[PastDecision, PastSuiteDecision]]


def read_decision(content: bytes, at: str) -> PastDecision | None:
    """What a ledger's entry says; None where another version wrote it otherwise."""
    try:
        return replace(_CODEC.load(PastDecision, json.loads(content)), at=at)
    except (ShapeError, ValueError):
        return None


def decisions_in(report: Report, identity: Digest) -> Iterator[PastDecision]:
    """What a report says of an identity."""
    for stack in report.stacks:
        if stack.identity == identity and stack.suites:
            yield PastDecision(
                at=report.created,
                head=report.head,
                dirty=report.dirty,
                preview=stack.preview,
                engine=stack.engine,
                suites=tuple(
                    PastSuiteDecision(
                        suite=suite.suite,
                        digest=suite.digest,
                        decision=suite.decision,
                        requirements=suite.requirements,
                    )
                    for suite in stack.suites
                ),
                by_base=tuple(
                    DecidedByBase(suite=by.suite, decision=by.decision, binding=by.binding)
                    for by in stack.by_base
                ),
            )


def latest(decisions: Iterable[PastDecision]) -> PastDecision | None:
    """The latest decision; a preview counts where there is nothing else."""
    ordered = _ordered(decisions)
    return ordered[-1] if ordered else None


def latest_by_suite(decisions: Iterable[PastDecision]) -> BySuite:
    """The same of every suite that has decided."""
    return {
        (suite.suite, suite.digest): (decided, suite)
        for decided in _ordered(decisions)
        for suite in decided.suites
    }


def _ordered(decisions: Iterable[PastDecision]) -> list[PastDecision]:
    return sorted(decisions, key=lambda decided: (not decided.preview, _moment(decided.at)))


def _moment(written: str) -> datetime:
    try:
        moment = datetime.fromisoformat(written)
    except ValueError:
        return _LONG_AGO
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
