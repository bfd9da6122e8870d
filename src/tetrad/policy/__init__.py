"""The decision on a run: requirements, statistics, flips and waivers, as pure functions."""

from __future__ import annotations

from tetrad.policy.base_yardstick import (
    Beside,
    Narrowed,
    base_verdict,
    failing,
    narrowed,
    scores_alike,
    unasked,
    unjudged,
)
from tetrad.policy.decide import SuiteDecision, decide, overall
from tetrad.policy.paired import worst
from tetrad.policy.summary import suite_report

__all__ = [
    "Beside",
    "Narrowed",
    "SuiteDecision",
    "base_verdict",
    "decide",
    "failing",
    "narrowed",
    "overall",
    "scores_alike",
    "suite_report",
    "unasked",
    "unjudged",
    "worst",
]
