"""Files out of Python packages.

pip does the fetching, in a process of its own: what it is configured with (private indexes,
mirrors, logins, certificates, proxies) holds here as well, and an index's many dialects are its
business.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import IO

from tetrad.artifacts.progress import UNSEEN, Progress, Work
from tetrad.errors import ArtifactError, FetchFailed, UsageError

_NAMED = re.compile(r"pypi://([A-Za-z0-9][A-Za-z0-9._-]*)(?:==([A-Za-z0-9][A-Za-z0-9._+!-]*))?\Z")
# What zipfile raises for an archive that is damaged, encrypted, or packed in a way it does not know.
_UNREADABLE = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError)
_RAW_PROGRESS = re.compile(r"Progress (\d+) of (\d+)\Z")


def download_pinned(uri: str, folder: Path, progress: Progress) -> Path:
    """Bring the wheel of a `pypi://name==version` into `folder`."""
    name, pinned = split_package(uri)
    if pinned is None:
        raise UsageError(
            f"{uri} names no version\n  help: write pypi://{name}==VERSION, or `tetrad pin FILE`"
        )
    return download_wheel(f"{name}=={pinned}", folder, progress)


def split_package(uri: str) -> tuple[str, str | None]:
    """Name and version of a `pypi://` source; the version is None where it has none."""
    match = _NAMED.match(uri)
    if match is None:
        raise UsageError(f"{uri} is not a package\n  help: write pypi://name==version")
    return match[1], match[2]


def version_of(wheel: Path) -> str:
    """The version in a wheel's file name, which the format fixes (PEP 427)."""
    return wheel.name.split("-")[1]


def download_wheel(requirement: str, folder: Path, progress: Progress) -> Path:
    """Bring the wheel that pip chooses for a requirement into `folder`."""
    # -P: the current folder is a repository that may be hostile, its pip.py must not be imported.
    # Only wheels: building a source distribution would run its code.
    command = [
        sys.executable, "-P", "-m", "pip", "download", "--no-deps", "--only-binary=:all:",
        "--no-input", "--disable-pip-version-check", f"--progress-bar={_progress_style()}",
        "--dest", str(folder), requirement,
    ]  # fmt: skip
    _run_pip(command, requirement, progress)
    wheels = sorted(folder.glob("*.whl"))
    if len(wheels) != 1:
        raise FetchFailed(f"pip downloaded no wheel of {requirement}")
    return wheels[0]


def members(wheel: Path) -> tuple[str, ...]:
    with _opened(wheel) as archive:
        return tuple(info.filename for info in archive.infolist() if not info.is_dir())


def extract(wheel: Path, name: str, into: Path) -> None:
    """Copy one file out of a wheel."""
    import shutil

    with _opened(wheel) as archive:
        try:
            member = archive.open(name)
        except KeyError:
            raise ArtifactError(
                f"{wheel.name} holds no file {name}\n  help: it holds {_some(members(wheel))}"
            ) from None
        with member, into.open("wb") as stream:
            shutil.copyfileobj(member, stream, 1 << 20)


@contextmanager
def _opened(wheel: Path) -> Iterator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(wheel) as archive:
            yield archive
    except _UNREADABLE as exc:
        raise ArtifactError(f"{wheel.name} is not a readable wheel: {exc}") from exc


def _progress_style() -> str:
    """`raw` (machine-readable lines) is there since pip 24.1."""
    try:
        installed = [int(number) for number in re.findall(r"\d+", version("pip"))]
    except PackageNotFoundError:
        raise UsageError(
            f"pypi:// sources are fetched by pip, which {sys.executable} does not have"
            "\n  help: python -m ensurepip, or `uv pip install pip`"
        ) from None
    return "raw" if installed >= [24, 1] else "off"


def _run_pip(command: list[str], requirement: str, progress: Progress) -> None:
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    said: list[str] = []
    asking = progress.start(None, requirement)
    with subprocess.Popen(
        command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, encoding="utf-8", errors="replace",
    ) as pip:  # fmt: skip
        assert pip.stdout is not None  # noqa: S101 - stdout=PIPE
        said.extend(_follow(pip.stdout, requirement, progress))
    asking.finish()
    if pip.returncode != 0:
        errors = [line for line in said if line.startswith("ERROR:")] or said[-3:]
        raise FetchFailed(
            f"pip could not download {requirement}\n  "
            + "\n  ".join(errors)
            + "\n  help: `pip config list` shows the index that is asked"
        )


def _follow(output: IO[str], label: str, progress: Progress) -> Iterator[str]:
    """The lines that pip says, its progress taken out and passed on."""
    work: Work = UNSEEN
    done = 0
    for raw in output:
        line = raw.strip()
        match = _RAW_PROGRESS.match(line)
        if match is None:
            yield line
            continue
        if int(match[1]) <= done:  # the wheel begins, or begins again
            work.finish()
            work, done = progress.start(int(match[2]), label), 0
        work.advance(int(match[1]) - done)
        done = int(match[1])
    work.finish()


def _some(names: tuple[str, ...]) -> str:
    return ", ".join(names[:8]) + (", …" if len(names) > 8 else "")
