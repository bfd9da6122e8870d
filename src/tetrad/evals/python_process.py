"""Code of a golden set, run in a process of its own: python assertions and transforms.

Where nothing of a change may run (a job with secrets), the `Forbidden` runner takes its place.
"""

from __future__ import annotations

import asyncio
import os
import posixpath
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from tetrad.assertions.answered import PythonRaised
from tetrad.canonical import Digest, Json, digest_text
from tetrad.errors import JudgeFailed, ToolFailed
from tetrad.model import PythonRun
from tetrad.modules import Module, OpenedFile
from tetrad.tools.python import run_python, verified_source
from tetrad.trees import FileTree

_HERE = Path(__file__).parent
_CHILD = "python_child.py"
_FILE = "file://"
_SUBJECT = "code of the golden set"
TIMEOUT_S = 10.0
MEMORY_MB = 512


def code_places() -> asyncio.Semaphore:
    """How many processes with a golden set's code run at once, in one run: they compute."""
    return asyncio.Semaphore(os.cpu_count() or 1)


class PythonCode:
    """Runs code in the repository's root; `code` says which files each piece of it runs, `opens`
    which any of it may open.
    """

    def __init__(
        self,
        files: FileTree,
        places: asyncio.Semaphore,
        *,
        code: Mapping[str, Mapping[str, Digest]] | None = None,
        opens: tuple[OpenedFile, ...] = (),
        allowed: bool = True,
    ) -> None:
        self._files = files
        self._code = code or {}
        self._allowed = allowed
        self._places = places
        self._run = PythonRun(
            module="golden_code",
            function="run",
            path=_CHILD,
            source=digest_text((_HERE / _CHILD).read_bytes()),
            opens=opens,
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
        path = code.removeprefix(_FILE) if code.startswith(_FILE) else ""
        file, _, named = path.partition(":")
        job: dict[str, Json] = {"code": code, "file": file, "function": named or function}
        files = self._code.get(file or code, {})
        run = replace(
            self._run,
            folders=tuple(dict.fromkeys([posixpath.dirname(file), ""])),
            modules=tuple(Module(name=f, file=f, digest=d) for f, d in files.items()),
        )
        async with self._places:
            try:
                if file:
                    job["code"] = self._source(file, files)
                answer = await run_python(
                    _SUBJECT,
                    run,
                    {**job, "arguments": arguments},
                    root=_HERE,
                    repository=self._files.folder(),
                    declares="the suite",
                )
            except ToolFailed as error:
                raise JudgeFailed(str(error)) from error
        if answer.refusal is not None:
            raise PythonRaised(answer.refusal)
        return answer.result

    def _source(self, file: str, files: Mapping[str, Digest]) -> str:
        if file not in files:
            raise ToolFailed(
                f"{file} is named by a variable, so no digest covers it\n"
                "  help: write file:// and the path into the assertion itself"
            )
        return verified_source(_SUBJECT, file, files[file], self._files.folder())
