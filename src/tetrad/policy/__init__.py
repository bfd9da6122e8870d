"""The decision on a run: requirements, statistics, flips and waivers, as pure functions."""

from __future__ import annotations

from tetrad.policy.decide import SuiteDecision, decide, overall
from tetrad.policy.summary import suite_report

__all__ = ["SuiteDecision", "decide", "overall", "suite_report"]
