"""Executing golden sets: what is asked, kept, graded and put together as a run.

`Workbench` wires, `execute` runs. Nothing here decides whether a run is good enough: `policy` does.
"""

from tetrad.evals.comparison import Comparison, compare, estimates, plan_comparison
from tetrad.evals.judging import gate
from tetrad.evals.moved import Moved
from tetrad.evals.recorded import Recorded
from tetrad.evals.runner import Selection, execute
from tetrad.evals.workbench import Workbench, open_workbench

__all__ = [
    "Comparison",
    "Moved",
    "Recorded",
    "Selection",
    "Workbench",
    "compare",
    "estimates",
    "execute",
    "gate",
    "open_workbench",
    "plan_comparison",
]
