"""Code of a golden set, run in a process of its own: python assertions and transforms.

Where nothing of a change may run (a job with secrets), the `Forbidden` runner takes its place.
"""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from tetrad.assertions.verdict import PythonRaised
from tetrad.canonical import Json, digest_file
from tetrad.errors import JudgeFailed, ToolFailed
from tetrad.model import PythonRun
from tetrad.tools.python import run_python

_HERE = Path(__file__).parent
_CHILD = "python_child.py"
TIMEOUT_S = 10.0
MEMORY_MB = 512


class PythonCode:
    """Runs code with the repository's root as its folder and on its path."""

    def __init__(self, root: Path, *, allowed: bool = True) -> None:
        self._root = root
        self._allowed = allowed
        self._places = asyncio.Semaphore(os.cpu_count() or 1)
        self._run = PythonRun(
            module="golden_code",
            function="run",
            path=_CHILD,
            source=digest_file(_HERE / _CHILD),
            timeout_s=TIMEOUT_S,
            memory_mb=MEMORY_MB,
        )

    async def run(self, code: str, function: str, *arguments: Json) -> Json:
        """What the function returned: of the file that `code` names, or made of the code itself."""
        if not self._allowed:
            raise JudgeFailed(
                "code of the golden set does not run in this job\n"
                "  help: run it where no secrets are, or use another assertion"
            )
        job: dict[str, Json] = {
            "code": code,
            "function": function,
            "arguments": arguments,
            "root": str(self._root),
        }
        async with self._places:
            try:
                answer = await run_python("python", self._run, job, root=_HERE)
            except ToolFailed as error:
                raise JudgeFailed(f"the golden set's code decided nothing: {error}") from error
        if answer.refusal is not None:
            raise PythonRaised(answer.refusal)
        return answer.result
