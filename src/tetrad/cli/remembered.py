"""Where a command keeps what it found out about a repository, for its next run."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path

from tetrad import __version__
from tetrad.canonical import digest_bytes
from tetrad.errors import TetradError
from tetrad.loading.checked import Checked, Content
from tetrad.loading.files import Tree
from tetrad.trees import WorkingTree

_FOLDER = "checked.v1"


@contextmanager
def kept(
    root: Path, command: str, *, ids: str | None = None, writes: bool = True
) -> Iterator[Checked]:
    """What is known from earlier runs; what is known afterwards is kept.

    It lies in the user's cache. Where that cannot be written, or comes with the commits, nothing is
    known: a change would bring its own verdicts. `ids` names the algorithm of the blob ids by which a
    commit is compared. A command that `writes` none of the files reads each once.
    """
    file = _file(root, command)
    tree = Tree(WorkingTree(root, remembers=not writes))
    checked = Checked(Content(tree, ids), _version(), _bytes(file))
    yield checked
    if file is not None and checked.changed:
        from tetrad.writing import make_folder, replace_file

        with suppress(OSError, TetradError):
            make_folder(file.parent)
            replace_file(file, checked.saved())


def _bytes(file: Path | None) -> bytes:
    try:
        return b"" if file is None else file.read_bytes()
    except OSError:
        return b""


def _file(root: Path, command: str) -> Path | None:
    from tetrad.artifacts.store import store_from_environment

    try:
        folder = store_from_environment().root / _FOLDER
    except TetradError:
        return None
    real = os.path.realpath(root)
    name = digest_bytes(real.encode(errors="surrogateescape")).hex[:32]
    file = folder / f"{name}.{command}.json"
    return None if _is_brought(root, file) else file


def _is_brought(root: Path, file: Path) -> bool:
    """Whether the file lies in a checkout, and may have come with a commit."""
    from tetrad.places import outermost_in_checkout

    if outermost_in_checkout(file) is None:
        return False
    from tetrad.git import refuse_committed

    try:
        refuse_committed(root, file)
    except TetradError:
        return True
    return False


def _version() -> str:
    """Stands for whatever decides what is found: this package's files and the installed packages."""
    package = Path(__file__).parents[1]
    files = sorted(entry for ending in ("*.py", "*.json") for entry in package.rglob(ending))
    states = [(str(file.relative_to(package)), file.stat()) for file in files]
    said = [f"{name} {status.st_size} {status.st_mtime_ns}" for name, status in states]
    spec = find_spec("yaml")
    packages = Path(spec.origin).parents[1] if spec is not None and spec.origin else package
    installed = f"{packages} {packages.stat().st_mtime_ns}"
    return digest_bytes("\n".join([__version__, installed, *said]).encode()).hex
