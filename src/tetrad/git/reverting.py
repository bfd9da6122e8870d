"""Which commits have to be reverted for files to be again what they were."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tetrad.git.checkout import Checkout
from tetrad.git.revisions import is_ancestor, is_known


@dataclass(frozen=True, kw_only=True, slots=True)
class MergedCommit:
    """A commit on the way to another one by first parents."""

    commit: str
    is_merge: bool


def merged_between(
    root: Path, older: str, newer: str, paths: Sequence[str]
) -> tuple[MergedCommit, ...]:
    """The commits that changed paths below the root since an older one, the newest first; none where
    a commit is not here, or the one is not part of the other's history.
    """
    if not (is_known(root, older) and is_known(root, newer) and is_ancestor(root, older, newer)):
        return ()
    named = [f":(literal){path}" for path in paths]
    listed = Checkout.of(root).git(
        "log", "--first-parent", "--format=%H %P", f"{older}..{newer}", "--", *named
    )
    found = [line.split() for line in listed.splitlines()]
    return tuple(MergedCommit(commit=commit, is_merge=len(more) > 1) for commit, *more in found)
