"""What comes with the commits although only this machine may write it."""

from __future__ import annotations

from pathlib import Path

from tetrad.errors import GitError
from tetrad.git.checkout import Checkout
from tetrad.places import checkout_above, refuse_links


def refuse_committed(root: Path, *places: Path) -> None:
    """GitError where a commit brings something at or below one of the places, which only this machine
    may write: a change would bring its own answers, and be judged by them.

    A place may itself lie in the checkout. Where nothing lies, there is nothing to refuse.
    """
    looked_at: list[Path] = []
    for place in map(Path.absolute, places):
        refuse_links(place)
        if not place.exists() or any(place.is_relative_to(folder) for folder in looked_at):
            continue
        looked_at.append(place)
        _refuse_submodule(root, place)
        tracked = _tracked(place)
        if tracked is not None:
            here = root.resolve()
            name = tracked.relative_to(here) if tracked.is_relative_to(here) else tracked
            raise GitError(
                f"{name} is committed: answers that a change brings prove nothing"
                f"\n  help: git rm -r --cached {name}, and delete it"
            )


def _refuse_submodule(root: Path, place: Path) -> None:
    above, inner = checkout_above(root), checkout_above(place)
    if above is not None and inner is not None and above != inner and inner.is_relative_to(above):
        raise GitError(
            f"{inner} is a repository of its own within {above}: answers that it brings prove nothing"
            "\n  help: remove it; a submodule, by git rm"
        )


def _tracked(place: Path) -> Path | None:
    """The first file that Git tracks at or below a place."""
    place = place.resolve()
    if checkout_above(place if place.is_dir() else place.parent) is None:
        return None
    try:
        checkout = Checkout.of(place if place.is_dir() else place.parent)
    except GitError as error:
        raise GitError(f"cannot tell whether {place} is committed: {error}") from error
    if place == checkout.top:
        raise GitError(
            f"{place} is the top of a checkout, and so no place for what only this machine may write"
            "\n  help: name a folder in it"
        )
    # a disk that takes two spellings for one name finds what was committed under the other
    path = f":(top,literal,icase){place.relative_to(checkout.top).as_posix()}"
    first = checkout.git("ls-files", "--full-name", "-z", "--", path).split("\0")[0]
    return checkout.top / first if first else None
