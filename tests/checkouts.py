"""Git repositories to ask: made, committed to, and read back."""

from __future__ import annotations

import posixpath
import subprocess
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

from tetrad import git
from tetrad.trees import FileTree, WorkingTree

_SETTINGS = ("user.name=A", "user.email=a@example.org", "protocol.file.allow=always")


def mark_checkout(folder: Path) -> Path:
    """Make a folder the top of a checkout, for code that only looks where one begins."""
    (folder / ".git").mkdir(parents=True)
    (folder / ".git" / "HEAD").touch()
    return folder


def run(root: Path, *arguments: str) -> str:
    settings = [part for setting in _SETTINGS for part in ("-c", setting)]
    done = subprocess.run(
        ["git", *settings, *arguments], cwd=root, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def commit(root: Path, files: dict[str, str], message: str = "Change") -> str:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    run(root, "add", "--all")
    run(root, "commit", "--quiet", "--message", message)
    return run(root, "rev-parse", "HEAD")


def files(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): path.read_text()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def laid_out(root: Path, ref: str, into: Path) -> None:
    """Export a tree, whose files are the same when they are read from Git's objects."""
    git.export(root, ref, into)
    with TemporaryDirectory() as folder:
        committed = git.CommitTree(root, git.resolve(root, ref), Path(folder))
        with closing(committed):
            assert read(committed) == read(WorkingTree(into))


def read(tree: FileTree, folder: str = ".") -> dict[str, bytes | None]:
    """Everything in a tree: files with their bytes, and what is none with nothing."""
    found = tree.listing(folder)
    if found is None:
        return {}
    names = [posixpath.normpath(f"{folder}/{name}") for name in [*found.files, *found.links]]
    own = {name: tree.read(name) if tree.has(name) else None for name in names}
    assert all(tree.is_link(name) for name in names if own[name] is None)
    below = [read(tree, posixpath.normpath(f"{folder}/{name}")) for name in found.folders]
    return {key: value for some in [own, *below] for key, value in some.items()}


def made(tmp_path: Path) -> Path:
    """An empty folder to export into."""
    (tmp_path / "out").mkdir()
    return tmp_path / "out"
