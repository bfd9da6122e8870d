"""Tools: what a model sees of them, and what answers their calls.

In evals a tool answers from what its case recorded; live, it answers over HTTP or from a process of
its own. Both check arguments and results by the tool's JSON Schemas.
"""

from tetrad.tools.definitions import definitions
from tetrad.tools.live import LiveRun, LiveToolbox
from tetrad.tools.recorded import RecordedToolbox

__all__ = ["LiveRun", "LiveToolbox", "RecordedToolbox", "definitions"]
