"""The process that a `python:` tool runs in; started as a script, it knows only the standard library.

It reads one job as JSON from standard input and writes one reply to what was standard output. The
tool's own prints go to standard error, so they cannot be mistaken for the reply.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
import types
from contextlib import suppress
from typing import Any


def main() -> None:
    job = json.load(sys.stdin)
    replies = os.dup(1)
    os.dup2(2, 1)
    _limit(resource.RLIMIT_AS, job["memory_bytes"])
    _limit(resource.RLIMIT_CPU, job["cpu_s"])
    _limit(resource.RLIMIT_CORE, 0)
    # The parent's clock comes first; where the parent was killed, nobody else ends a sleeping tool.
    signal.setitimer(signal.ITIMER_REAL, job["timeout_s"] + 1)
    reply = json.dumps(_reply(job), allow_nan=False).encode()
    if len(reply) > job["max_bytes"]:
        reply = json.dumps(
            {"kind": "broken", "value": f"answered more than {job['max_bytes']} bytes"}
        ).encode()
    with os.fdopen(replies, "wb") as stream:
        stream.write(reply)


def _limit(what: int, most: int) -> None:
    # Where the system has no such limit, or a lower one already, the parent's clock remains.
    with suppress(ValueError, OSError):
        resource.setrlimit(what, (most, most))


def _reply(job: dict[str, Any]) -> dict[str, Any]:
    try:
        function = _function(job)
    except Exception as exc:  # noqa: BLE001 -- the module's own fault, whatever it is
        return {"kind": "broken", "value": f"cannot be loaded: {type(exc).__name__}: {exc}"}
    try:
        result = function(**job["arguments"])
    except MemoryError:
        return {"kind": "broken", "value": f"needs more than {job['memory_bytes'] >> 20} MB"}
    except Exception as exc:  # noqa: BLE001 -- whatever a tool raises is its answer to the model
        return {"kind": "refusal", "value": f"{type(exc).__name__}: {exc}"}
    try:
        json.dumps(result, allow_nan=False)
    except RecursionError:
        return {"kind": "broken", "value": "its answer is nested too deeply"}
    except (TypeError, ValueError) as exc:
        return {"kind": "broken", "value": f"answered something that is not JSON: {exc}"}
    return {"kind": "result", "value": result}


def _function(job: dict[str, Any]) -> Any:
    """The tool's function, from the very text whose digest was checked."""
    sys.path.insert(0, job["root"])
    module = types.ModuleType(job["module"])
    module.__file__ = os.path.join(job["root"], job["file"])  # noqa: PTH118 -- pathlib costs 10 ms
    sys.modules[job["module"]] = module
    exec(compile(job["source"], job["file"], "exec"), module.__dict__)  # noqa: S102 -- the tool
    return getattr(module, job["function"])


if __name__ == "__main__":
    main()
