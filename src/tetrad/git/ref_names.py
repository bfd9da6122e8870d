"""Names of branches and tags that can be taken for one another.

Whoever can push a tag or a branch could otherwise choose what a change is compared with: of a tag and a
branch of one name Git takes the tag, and of a branch and an abbreviated id the branch, with a warning.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from tetrad.errors import GitError
from tetrad.git.checkout import Checkout

# In the order in which Git looks.
_PLACES = ("refs/", "refs/tags/", "refs/heads/", "refs/remotes/")
_FULL = "refs/"

# A base is mostly a branch, in CI the remote's.
_MEANT = ("refs/remotes/", "refs/heads/", "refs/")

_NAME = re.compile(r"(?:(?!@\{)[^~^:])*")
_ABBREVIATED = re.compile(r"(?:.*-g)?([0-9a-f]{4,})", re.IGNORECASE)


def refuse_ambiguous(checkout: Checkout, ref: str, commit: str) -> None:
    """GitError where a revision, for which Git takes a commit, can be read in more than one way."""
    name = _name_in(ref)
    if name.startswith(_FULL) or _is_whole_id(name, commit):
        return
    refs = _refs_named(checkout, name)
    meanings = [*refs, *(_ids_named(checkout, name) if refs else ())]
    if len(meanings) < 2:
        return
    meant = next(found for place in _MEANT for found in refs if found.startswith(place))
    raise GitError(
        f"{ref!r} is ambiguous: it could be {' or '.join(meanings)}"
        f"\n  help: write the full name, for example {meant}{ref.removeprefix(name)}"
    )


def is_missing(checkout: Checkout, ref: str) -> bool:
    """Whether a full name is that of no ref, so that Git would look for a tag or a branch called so."""
    name = _name_in(ref)
    return name.startswith(_FULL) and tip_of(checkout, name) is None


def tip_of(checkout: Checkout, ref: str) -> str | None:
    """The id that a ref names, by its full name."""
    listed = checkout.git("for-each-ref", "--format=%(refname) %(objectname)", "--", ref)
    tips = dict(line.split() for line in listed.splitlines())
    return tips.get(ref)


def _name_in(ref: str) -> str:
    """A revision without what leads on from the name: `main` of `main~2`."""
    found = _NAME.match(ref)
    name = found[0] if found else ""
    return "" if name in {"HEAD", "@"} else name


def _is_whole_id(name: str, commit: str) -> bool:
    return len(name) == len(commit) and _ABBREVIATED.fullmatch(name) is not None


def _refs_named(checkout: Checkout, name: str) -> list[str]:
    if not name:
        return []
    refs = [*(f"{place}{name}" for place in _PLACES), f"refs/remotes/{name}/HEAD"]
    listed = set(checkout.git("for-each-ref", "--format=%(refname)", "--", *refs).split())
    return [ref for ref in refs if ref in listed]


def _ids_named(checkout: Checkout, name: str) -> Iterator[str]:
    """The commits and tags of an abbreviated id, or of what `git describe` says."""
    abbreviated = _ABBREVIATED.fullmatch(name)
    if abbreviated is None:
        return
    for found in checkout.ask("rev-parse", f"--disambiguate={abbreviated[1]}").out.split():
        kind = checkout.ask("cat-file", "-t", found).out.strip()
        if kind in {"commit", "tag"}:
            yield f"the {kind} {found}"
