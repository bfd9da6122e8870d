"""Submodules: repositories of their own within a tree, named there by a path and a commit."""

from __future__ import annotations

from pathlib import PurePosixPath

from tetrad.errors import GitError
from tetrad.git.checkout import Checkout
from tetrad.git.revisions import merge_base
from tetrad.places import checkout_above

_GITLINK = "160000 "


def submodules_of(checkout: Checkout, commit: str) -> dict[str, str]:
    """The submodules in a commit's tree that hold the root or lie below it: paths and commits."""
    below = PurePosixPath(checkout.below)
    listed = _entries(checkout, commit, "-r", str(below))
    above = [str(place) for place in (below, *below.parents)][:-1]
    if above:
        listed |= _entries(checkout, commit, *above)
    return {path: commit for path, commit in sorted(listed.items()) if commit}


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
    if _is_submodule(whole, path) and not _entries(whole, commit, path).get(path):
        raise GitError(
            f"{path} is a submodule that was none at the base, so its history is the change's own"
            "\n  help: merge the new submodule without a gate, then gate what changes in it"
        )


def _is_submodule(checkout: Checkout, path: str) -> bool:
    place = str(checkout.top / path)
    return checkout.git("--literal-pathspecs", "ls-files", "-s", "-z", "--", place).startswith(
        _GITLINK
    )


def _entries(checkout: Checkout, commit: str, *what: str) -> dict[str, str]:
    """Entries of a tree by path: a submodule's commit, "" for what is none."""
    options, paths = [w for w in what if w == "-r"], [w for w in what if w not in {"-r", "."}]
    asked = ("ls-tree", *options, "-z", "--full-tree", commit, "--", *paths)
    listed = checkout.git("--literal-pathspecs", *asked).split("\0")
    parted = (line.partition("\t") for line in listed if line)
    return {
        path: entry.split(" ")[2] if entry.startswith(_GITLINK) else "" for entry, _, path in parted
    }
