"""How a script of this folder ends: by the exit codes of `tetrad`, which runs it."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable

import tetrad


def ended(main: Callable[..., None]) -> int:
    """Run it with the arguments of the command line; what is wrong is said on standard error."""
    try:
        main(*sys.argv[1:])
    except tetrad.TetradError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    except KeyboardInterrupt:
        sys.stderr.write("interrupted\n")
        return tetrad.ExitCode.INTERRUPTED
    except Exception:  # noqa: BLE001 - a bug of ours: Python's own exit code would mean a refusal
        traceback.print_exc()
        return tetrad.ExitCode.BUG
    return tetrad.ExitCode.PASSED
