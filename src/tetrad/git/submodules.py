"""Submodules: repositories of their own within a tree, named there by a path and a commit."""

from __future__ import annotations

from pathlib import PurePosixPath

from tetrad.errors import GitError
from tetrad.git.checkout import Checkout
from tetrad.git.entries import SUBMODULE, entries_at, entries_below
from tetrad.git.revisions import merge_base
from tetrad.places import checkout_above


def submodules_of(checkout: Checkout, commit: str) -> dict[str, str]:
    """The submodules in a commit's tree that hold the root or lie below it: paths and commits."""
    below = PurePosixPath(checkout.below)
    listed = [*entries_below(checkout, commit, str(below))]
    above = places_to(below)
    if above:
        listed += entries_at(checkout, commit, *above)
    return {e.path: e.id for e in sorted(listed, key=lambda e: e.path) if e.mode == SUBMODULE}


def places_to(folder: PurePosixPath) -> list[str]:
    """The folders on the way to one, itself among them; the top is none."""
    return [str(place) for place in (folder, *folder.parents)][:-1]


def submodule_at(checkout: Checkout, path: str, commit: str) -> Checkout | None:
    """The repository that has a submodule's commit; None for one that is not checked out on either
    side, and GitError where the commit or the repository is missing.
    """
    place = checkout.top / path
    kept = checkout.shared_folder / "modules" / path
    if checkout_above(place) == place:
        found = Checkout.of(place)
    elif (kept / "HEAD").is_file():
        found = Checkout(git_folder=kept, top=kept, root=kept)
    elif _is_submodule(checkout, path):
        return None
    else:
        raise GitError(
            f"the base has a submodule at {path}, whose commits are not here"
            "\n  help: check the base out with its submodules once, then the change again"
        )
    if found.ask("cat-file", "-e", f"{commit}^{{commit}}").code != 0:
        raise GitError(
            f"the base's commit of the submodule {path} is not here"
            f"\n  help: git -C {place} fetch origin {commit}"
        )
    return found


def refuse_new_submodule(checkout: Checkout, ref: str) -> None:
    """GitError where a change makes the system a submodule: it would choose its own base."""
    top = checkout_above(checkout.top.parent)
    if top is None or not (checkout.top / ".git").is_file():
        return
    whole = Checkout.of(top)
    path = checkout.top.relative_to(top).as_posix()
    try:
        commit = merge_base(top, ref)
    except GitError:  # the name means something in the submodule only
        return
    at_base = (entry.mode for entry in entries_at(whole, commit, path))
    if _is_submodule(whole, path) and SUBMODULE not in at_base:
        raise GitError(
            f"{path} is a submodule that was none at the base, so its history is the change's own"
            "\n  help: merge the new submodule without a gate, then gate what changes in it"
        )


def _is_submodule(checkout: Checkout, path: str) -> bool:
    place = str(checkout.top / path)
    listed = checkout.git("--literal-pathspecs", "ls-files", "-s", "-z", "--", place)
    return listed.startswith(f"{SUBMODULE} ")
