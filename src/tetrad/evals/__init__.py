"""Executing golden sets: what is asked, kept, graded and put together as a run.

`Session` wires, `execute` runs. Nothing here decides whether a run is good enough: `policy` does.
"""

from tetrad.evals.changed_files import Moved
from tetrad.evals.comparison import Comparison, compare, estimates, plan_comparison
from tetrad.evals.judging import gate
from tetrad.evals.kept_engine import Recorded
from tetrad.evals.runner import SelectedCases, execute
from tetrad.evals.session import Session, open_session

__all__ = [
    "Comparison",
    "Moved",
    "Recorded",
    "SelectedCases",
    "Session",
    "compare",
    "estimates",
    "execute",
    "gate",
    "open_session",
    "plan_comparison",
]
