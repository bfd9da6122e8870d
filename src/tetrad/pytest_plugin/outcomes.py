"""What one execution gives its items to report: plain values that another process can read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from tetrad.errors import ExitCode
from tetrad.results.codec import Codec
from tetrad.results.gate_report import Decision

Key: TypeAlias = tuple[str, str]  # a suite's reference and a stack's

_CODEC = Codec()


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a case's item says: `expected` failures break no policy, `missing` ones say nothing."""

    outcome: Literal["passed", "failed", "expected", "missing", "unmoved"]
    reason: str = ""


@dataclass(frozen=True, slots=True)
class GateVerdict:
    """The decision on a whole suite, and its requirements' reasons, those that decided first."""

    decision: Decision
    reason: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class TrialOutcome:
    """A suite on one of its stacks; `gate` is None where only a part of the cases was selected."""

    suite: str
    stack: str
    verdicts: Mapping[str, Verdict]  # by the case's id
    gate: GateVerdict | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Failure:
    """Why nothing was executed. One item tells it in full, and the others point there."""

    told_by: str  # the item's node id
    reason: str = "what ended it is told there"
    exit_code: int = int(ExitCode.BUG)


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcomes:
    """Everything that a session's items of one repository report."""

    trials: tuple[TrialOutcome, ...] = ()
    failure: Failure | None = None

    def by_trial(self) -> Mapping[Key, TrialOutcome]:
        return {(trial.suite, trial.stack): trial for trial in self.trials}


def dump_outcomes(outcomes: Outcomes) -> str:
    return json.dumps(_CODEC.dump(outcomes))


def load_outcomes(text: str) -> Outcomes:
    return _CODEC.load(Outcomes, json.loads(text))
