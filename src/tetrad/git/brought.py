"""What comes with the commits although only this machine may write it."""

from __future__ import annotations

from pathlib import Path

from tetrad.errors import GitError
from tetrad.git.checkout import Checkout


def refuse_committed(root: Path, file: Path) -> None:
    """GitError where a database that only this machine may write comes with the commits: a change
    would bring its own answers, and be judged by them.
    """
    names = [f"{file.resolve()}{ending}" for ending in ("", "-wal", "-journal")]
    try:
        checkout = Checkout.of(root)
    except GitError:  # outside of Git nothing is committed
        return
    brought = checkout.ask("--literal-pathspecs", "ls-files", "-z", "--", *names).out
    if brought:
        name = brought.split("\0")[0]
        raise GitError(
            f"{name} is committed: answers that a change brings prove nothing"
            f"\n  help: git rm --cached {name}, and delete the file"
        )
