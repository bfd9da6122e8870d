"""How long torch's threads spin while they wait for each other, before they let others compute."""

from __future__ import annotations

import os

# GNU's OpenMP, which torch brings on Linux, spins 300,000 times: nothing on idle cores, and most of
# the time on busy ones, where the thread that is waited for does not run. This many are enough for
# the gaps between two operations. `benchmarks/busy_machine.py` measures both.
_SPINS = "300"
_SETTINGS = frozenset({"GOMP_SPINCOUNT", "OMP_WAIT_POLICY"})


def spin_briefly() -> None:
    """Set it unless the user did; called before torch is loaded, which reads it then."""
    if not _SETTINGS & os.environ.keys():
        os.environ["GOMP_SPINCOUNT"] = _SPINS
