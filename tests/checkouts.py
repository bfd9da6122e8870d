"""Git repositories to ask: made, committed to, and read back."""

from __future__ import annotations

import subprocess
from pathlib import Path

_SETTINGS = ("user.name=A", "user.email=a@example.org", "protocol.file.allow=always")


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


def made(tmp_path: Path) -> Path:
    """An empty folder to export into."""
    (tmp_path / "out").mkdir()
    return tmp_path / "out"
