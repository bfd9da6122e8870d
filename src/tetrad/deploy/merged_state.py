"""The merged state: what the commit that is checked out says, and nothing beside it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from tetrad import git
from tetrad.errors import DeploymentRefused, UsageError
from tetrad.loading.files import Tree
from tetrad.loading.repositories import read_tree, sound
from tetrad.model import Repository


@dataclass(frozen=True, kw_only=True, slots=True)
class MergedState:
    commit: str
    repository: Repository


@contextmanager
def merged_state(root: Path) -> Iterator[MergedState]:
    """The commit's files, loaded; UsageError where the checkout has edits."""
    if git.is_dirty(root):
        raise UsageError(
            "there are uncommitted changes; only commits are admitted or deployed"
            "\n  help: git commit or git stash"
        )
    commit = git.head(root)
    with (
        TemporaryDirectory(prefix="tetrad-commit-") as folder,
        closing(git.CommitTree(root, commit, Path(folder))) as files,
    ):
        yield MergedState(commit=commit, repository=sound(read_tree(Tree(files))))


def refuse_unrelated(root: Path, *, last: str, new: str, where: str) -> None:
    """DeploymentRefused where a commit does not contain the one that was deployed last."""
    if not git.is_known(root, last):
        raise UsageError(
            f"{where} serves the commit {last[:12]}, which is not in this clone"
            "\n  help: git fetch --unshallow, or fetch the branch that it was deployed from"
        )
    if not git.is_ancestor(root, last, new):
        raise DeploymentRefused(
            f"{new[:12]} does not descend from {last[:12]}, which was deployed to {where} last"
            "\n  help: deploy a commit that contains it; `tetrad rollback` goes back"
        )
