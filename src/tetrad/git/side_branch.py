"""A branch that a command commits to, while what is checked out stays as it is."""

from __future__ import annotations

import os
from pathlib import Path
from tempfile import TemporaryDirectory

from tetrad.errors import UsageError
from tetrad.git.checkout import Checkout
from tetrad.git.ref_names import tip_of
from tetrad.git.revisions import commit_of


class SideBranch:
    """A local branch, begun at HEAD by its first commit."""

    def __init__(self, root: Path, name: str) -> None:
        """UsageError for a name that no branch can have, and for the branch that is checked out."""
        self._checkout = Checkout.of(root)
        self.name = name
        self._ref = f"refs/heads/{name}"
        if self._checkout.ask("check-ref-format", "--branch", name).code != 0:
            raise UsageError(f"{name!r} is not a valid branch name")
        if self._checkout.ask("symbolic-ref", "HEAD").out.strip() == self._ref:
            raise UsageError(f"{name} is checked out\n  help: name another branch (--branch)")
        self._old = tip_of(self._checkout, self._ref)
        self.tip = self._old or commit_of(self._checkout, "HEAD")

    def commit(self, file: str, data: bytes, message: str) -> str:
        """A commit on top of the tip in which a file, named from the root, has other content."""
        path = f"{self._checkout.below}{file}"
        with TemporaryDirectory(prefix="tetrad-branch-") as folder:
            index = {"GIT_INDEX_FILE": os.path.join(folder, "index")}  # noqa: PTH118
            self._checkout.git("read-tree", self.tip, extra=index)
            blob = self._checkout.git(
                "hash-object", "-w", "--stdin", told=os.fsdecode(data), extra=index
            )
            entry = f"100644,{blob.strip()},{path}"
            self._checkout.git("update-index", "--add", "--cacheinfo", entry, extra=index)
            tree = self._checkout.git("write-tree", extra=index).strip()
            made = self._checkout.git(
                "commit-tree", tree, "-p", self.tip, "-m", message, extra=_people()
            )
        return made.strip()

    def move_to(self, commit: str) -> None:
        """Let the branch end with a commit; GitError where another one moved it meanwhile."""
        self._checkout.git("update-ref", self._ref, commit, self._old or "")
        self._old = self.tip = commit


def _people() -> dict[str, str]:
    """Author and committer as the user's variables name them; else Git asks its settings."""
    names = ("GIT_AUTHOR_", "GIT_COMMITTER_")
    return {name: value for name, value in os.environ.items() if name.startswith(names)}
