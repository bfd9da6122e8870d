"""Tools that are a Python function: each call in a process of its own, with limits."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process, SubprocessStreamProtocol
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from tetrad.canonical import Digest, Json, digest_bytes, with_lf
from tetrad.errors import ToolFailed
from tetrad.model import PythonRun
from tetrad.places import checkout_above
from tetrad.tools.answer import MAX_BYTES, Answer

_CHILD = Path(__file__).with_name("child.py")
_SHOWN_BYTES = 2_000  # of what a failing tool wrote to standard error
_LAST_WORDS_S = 0.5

# Nothing of ours: keys stand in environment variables.
_ENVIRONMENT = {"PATH": os.defpath, "LANG": "C.UTF-8", "PYTHONUTF8": "1"}


async def run_python(
    subject: str,
    run: PythonRun,
    arguments: Mapping[str, Json],
    *,
    root: Path,
    repository: Path | None = None,
    declares: str = "the tool's `run:`",
) -> Answer:
    """Call the function; ToolFailed, about `subject`, where it dies, runs out of its limits or answers
    no JSON.

    It runs in the repository, `root` unless that is told, and can import and open of it what its
    digest covers, and nothing else. `declares` names the place of `files:`, to be shown.
    """
    repository = repository or root
    source = verified_source(subject, run.path, run.source, root)
    job = {
        **_limits(run),
        **_code(subject, run, repository),
        "file": str(root / run.path),
        "source": source,
        "declares": declares,
        "arguments": arguments,
    }
    process, pipes, exited = await _started(repository)
    said = bytearray()
    listening = asyncio.create_task(_listen(process.stderr, said))
    written = b""
    try:
        async with asyncio.timeout(run.timeout_s):
            written = await _converse(process, json.dumps(job).encode())
    except TimeoutError as exc:
        raise ToolFailed(f"{subject} took longer than {run.timeout_s:g} s") from exc
    finally:
        # Its reply is whole once its output ends; whatever it left running ends with it.
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        await exited.wait()
        # What has left the group may hold the pipes for as long as it likes.
        await asyncio.wait([listening], timeout=_LAST_WORDS_S)
        listening.cancel()
        pipes.close()
    return _answer(subject, pipes.get_returncode(), written, bytes(said))


def _code(subject: str, run: PythonRun, repository: Path) -> Mapping[str, object]:
    """What the child runs, and where it finds it; every text is the one that the digest covers."""
    for file in run.opens:
        _verified(subject, file.file, file.digest, repository)
    return {
        "root": str(repository),
        "checkout": str(checkout_above(repository) or repository),
        "module": run.module,
        "function": run.function,
        "folders": run.folders,
        "late_folders": run.late_folders,
        "modules": {
            module.file: verified_source(subject, module.file, module.digest, repository)
            for module in run.modules
        },
        "opens": [file.file for file in run.opens],
    }


def _limits(run: PythonRun) -> Mapping[str, object]:
    return {
        "memory_bytes": run.memory_mb * 1024 * 1024,
        "cpu_s": int(run.timeout_s) + 1,
        "timeout_s": run.timeout_s,
        "max_bytes": MAX_BYTES,
    }


async def _started(root: Path) -> tuple[Process, asyncio.SubprocessTransport, asyncio.Event]:
    """The child, its pipes, and the event of its end: `asyncio.create_subprocess_exec` gives no hold on
    the pipes, and `Process.wait` may wait for their end as well.
    """
    loop = asyncio.get_running_loop()
    pipes, protocol = await loop.subprocess_exec(
        lambda: _Ending(limit=65_536, loop=loop),
        sys.executable, "-I", str(_CHILD),
        stdin=PIPE, stdout=PIPE, stderr=PIPE,
        cwd=root, env=_ENVIRONMENT, start_new_session=True,
    )  # fmt: skip
    return Process(pipes, protocol, loop), pipes, protocol.exited


class _Ending(SubprocessStreamProtocol):
    """Tells when the process has ended, whoever still holds its pipes."""

    def __init__(self, limit: int, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(limit=limit, loop=loop)
        self.exited = asyncio.Event()

    def process_exited(self) -> None:
        super().process_exited()
        self.exited.set()


def verified_source(subject: str, file: str, digest: Digest, root: Path) -> str:
    """The text of a file with code, if it is still the one whose digest was taken."""
    try:
        return _verified(subject, file, digest, root).decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        raise ToolFailed(f"{subject}: {file} is not UTF-8") from exc


def _verified(subject: str, file: str, digest: Digest, root: Path) -> bytes:
    try:
        data = with_lf((root / file).read_bytes())
    except OSError as exc:
        raise ToolFailed(f"{subject}: {file} cannot be read: {exc.strerror}") from exc
    if digest_bytes(data) != digest:
        raise ToolFailed(f"{subject}: {file} changed while it was in use; start again")
    return data


async def _converse(process: Process, job: bytes) -> bytes:
    """Give the child its job; what it wrote, cut one byte over the limit."""
    if process.stdin is None or process.stdout is None:
        raise AssertionError("the child was started with pipes")
    with suppress(BrokenPipeError, ConnectionResetError):  # it died early: its status tells
        process.stdin.write(job)
        await process.stdin.drain()
    process.stdin.close()
    written = b""
    while len(written) <= MAX_BYTES:
        piece = await process.stdout.read(MAX_BYTES + 1 - len(written))
        if not piece:
            break
        written += piece
    return written


async def _listen(stream: asyncio.StreamReader | None, said: bytearray) -> None:
    """Keep the end of what a stream says."""
    while stream is not None and (piece := await stream.read(65_536)):
        said += piece
        del said[:-_SHOWN_BYTES]


def _answer(subject: str, status: int | None, written: bytes, said: bytes) -> Answer:
    try:
        reply = json.loads(written)
        kind, value = reply["kind"], reply["value"]
    except RecursionError as exc:
        raise ToolFailed(f"{subject}: its answer is nested too deeply") from exc
    except (ValueError, TypeError, KeyError) as exc:
        raise ToolFailed(f"{subject} died: {_why(status, said)}") from exc
    if kind == "broken":
        raise ToolFailed(f"{subject}: {value}")
    if kind == "refusal":
        return Answer(refusal=value)
    return Answer(result=value)


def _why(status: int | None, said: bytes) -> str:
    if status == -signal.SIGXCPU:
        return "it ran out of its processor time"
    lines = said.decode(errors="replace").strip().splitlines()
    how = f"signal {-status}" if status is not None and status < 0 else f"exit code {status}"
    return f"{how}, {lines[-1]}" if lines else how
