"""Commits whose locks say something, found by their text."""

from __future__ import annotations

from pathlib import Path

from tetrad.errors import GitError
from tetrad.git.checkout import Checkout


def lock_with(root: Path, text: str) -> tuple[str, str] | None:
    """The newest commit, of every branch, in which a lock with a text came or went and is, and the
    stack that the lock is of.
    """
    try:
        checkout = Checkout.of(root)
    except GitError:
        return None
    listed = checkout.ask("log", "--all", "--format=%H", f"-S{text}", "--", "*.lock")
    for commit in listed.out.split():
        for place in (commit, f"{commit}^"):
            found = checkout.ask("grep", "-l", "-z", "-F", "-e", text, place, "--", "*.lock")
            if found.code == 0 and found.out:
                path = found.out.split("\0")[0].partition(":")[2]
                where = checkout.git("rev-parse", place).strip()
                return where, path.removesuffix(".lock")
    return None
