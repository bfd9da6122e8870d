"""Submodules: repositories of their own within a tree, named there by a path and a commit."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from tetrad.errors import GitError
from tetrad.git.checkout import Checkout
from tetrad.git.entries import SUBMODULE, entries_at, entries_below
from tetrad.git.revisions import merge_base
from tetrad.places import checkout_above


@dataclass(frozen=True, kw_only=True, slots=True)
class SubmoduleSource:
    """A submodule by the commit that its repository names; `newest` is the one at its source now, and
    None where that cannot be asked.
    """

    path: str
    pinned: str
    newest: str | None


def source_of(root: Path, folder: str) -> SubmoduleSource | None:
    """The source of the submodule that a folder below the root lies in; None for a folder of the
    repository's own.
    """
    if checkout_above(root) is None:
        return None
    checkout = Checkout.of(root)
    place = f"{checkout.below}{folder}/"
    for path, pinned in submodules_of(checkout, "HEAD").items():
        if place.startswith(f"{path}/"):
            return SubmoduleSource(path=path, pinned=pinned, newest=_newest(checkout, path))
    return None


def _newest(checkout: Checkout, path: str) -> str | None:
    """The last commit of the branch that `.gitmodules` names, or else of the source's own."""
    place, branch = checkout.top / path, _settings(checkout, path).get("branch", ".")
    if checkout_above(place) != place:
        return None
    wanted = "HEAD" if branch == "." else f"refs/heads/{branch}"
    asked = Checkout.of(place).ask("ls-remote", "--exit-code", "origin", wanted)
    return asked.out.partition("\t")[0] if asked.code == 0 else None


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


def base_of(checkout: Checkout, ref: str) -> str:
    """The commit that a change is compared with.

    Where the checkout is a submodule that the change moves, to another commit or another address, its
    history is the change's own: the commit counts that the repository around it names at its base.
    GitError where the change makes it a submodule.
    """
    named = _named_around(checkout, ref)
    return merge_base(checkout.root, ref) if named is None else named


def _named_around(checkout: Checkout, ref: str) -> str | None:
    """The base's commit of a submodule that the change moves; None for what it does not."""
    top = checkout_above(checkout.top.parent)
    if top is None or not (checkout.top / ".git").is_file():
        return None
    whole, path = Checkout.of(top), checkout.top.relative_to(top).as_posix()
    known = whole.ask("rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}").code == 0
    if not known or not _is_submodule(whole, path):
        return None  # the name means something in the submodule only
    base = base_of(whole, ref)
    before = _named_at(whole, base, path)
    if not before:
        raise GitError(
            f"{path} is a submodule that was none at the base, so its history is the change's own"
            "\n  help: merge the new submodule without a gate, then gate what changes in it"
        )
    then, now = _settings(whole, path, f"--blob={base}:.gitmodules"), _settings(whole, path)
    if before == _staged(whole, path) == _named_at(whole, "HEAD", path) and then == now:
        return None
    if checkout.ask("cat-file", "-e", f"{before}^{{commit}}").code != 0:
        raise GitError(
            f"this change moves the submodule {path}, and the base's commit of it is not here"
            f"\n  help: git -C {checkout.top} fetch {then.get('url', 'origin')} {before}"
        )
    return before


def _named_at(checkout: Checkout, commit: str, path: str) -> str:
    """The commit of a submodule in a commit's tree; empty where none lies there."""
    found = (e.id for e in entries_at(checkout, commit, path) if e.mode == SUBMODULE)
    return next(found, "")


def _staged(checkout: Checkout, path: str) -> str:
    """The commit of a submodule in the index."""
    entry = checkout.git("--literal-pathspecs", "ls-files", "-s", "-z", "--", f":/{path}")
    return entry.removeprefix(f"{SUBMODULE} ").partition(" ")[0]


def _settings(checkout: Checkout, path: str, where: str = "") -> dict[str, str]:
    """What `.gitmodules` says of a submodule: here, or in the blob that `where` names."""
    place = where or f"--file={checkout.top / '.gitmodules'}"
    listed = checkout.ask("config", place, "--null", "--list").out.split("\0")
    settings: dict[str, dict[str, str]] = {}
    for key, _, value in (entry.partition("\n") for entry in listed if entry):
        name, _, setting = key.rpartition(".")
        settings.setdefault(name, {})[setting] = value
    return next((found for found in settings.values() if found.get("path") == path), {})


def _is_submodule(checkout: Checkout, path: str) -> bool:
    place = str(checkout.top / path)
    listed = checkout.git("--literal-pathspecs", "ls-files", "-s", "-z", "--", place)
    return listed.startswith(f"{SUBMODULE} ")
