"""Executing golden sets: what is asked, kept, graded and put together as a run.

`Workbench` wires, `execute` runs. Nothing here decides whether a run is good enough: `policy` does.
"""

from tetrad.evals.build import Workbench
from tetrad.evals.recorded import Recorded
from tetrad.evals.runner import Selection, execute

__all__ = ["Recorded", "Selection", "Workbench", "execute"]
