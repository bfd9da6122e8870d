"""Commits by name, the merge base, and whether the tree differs from what is committed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import NoReturn

from tetrad.errors import GitError
from tetrad.git.checkout import Checkout
from tetrad.git.ref_names import is_missing, refuse_ambiguous, tip_of

_SHA1_DIGITS = 40

# A shallow clone follows one branch alone, so that the others have to be named.
_DEEPEN = (
    "\n  help: git fetch --unshallow origin '+refs/heads/*:refs/remotes/origin/*'"
    "\n  help: in a GitHub workflow: actions/checkout with `fetch-depth: 0`"
)


def head(root: Path) -> str:
    """The commit that is checked out."""
    return resolve(root, "HEAD")


def resolve(root: Path, ref: str) -> str:
    """The commit that a revision names, in full."""
    return commit_of(Checkout.of(root), ref)


def id_algorithm(commit: str) -> str:
    """The algorithm of a repository's ids, by one of them."""
    return "sha1" if len(commit) == _SHA1_DIGITS else "sha256"


def merge_base(root: Path, ref: str) -> str:
    """The commit at which HEAD and `ref` parted."""
    checkout = Checkout.of(root)
    theirs, ours = commit_of(checkout, ref), commit_of(checkout, "HEAD")
    asked = checkout.ask("merge-base", theirs, ours)
    if asked.code != 0:
        reason = f"HEAD and {ref} have no commit in common"
        raise GitError(
            f"{reason} in this shallow clone{_DEEPEN}" if _is_shallow(checkout) else reason
        )
    return asked.out.strip()


def is_ancestor(root: Path, older: str, newer: str) -> bool:
    """Whether a commit is part of another one's history, or that commit itself."""
    checkout = Checkout.of(root)
    older, newer = commit_of(checkout, older), commit_of(checkout, newer)
    return checkout.ask("merge-base", "--is-ancestor", older, newer).code == 0


def tree_of(root: Path, commit: str) -> str:
    """Git's id of all files of a commit."""
    return Checkout.of(root).git("rev-parse", "--verify", f"{commit}^{{tree}}").strip()


def is_known(root: Path, commit: str) -> bool:
    """Whether a commit is in the repository."""
    asked = Checkout.of(root).ask("cat-file", "-e", f"{commit}^{{commit}}")
    return asked.code == 0


def authors(
    root: Path, since: str | None, until: str, paths: Sequence[str] = (".",)
) -> frozenset[str]:
    """The e-mail addresses of whoever wrote (`Co-authored-by:` included) or committed what is new since
    a commit, to some paths below the root; GitError in a shallow clone, which would leave some out.

    A `.mailmap` adds addresses and takes none away: a change may bring one. Nor does a merge hide who
    made what it leaves behind.
    """
    checkout = Checkout.of(root)
    if _is_shallow(checkout):
        raise GitError(f"who wrote the commits is not known in this shallow clone{_DEEPEN}")
    span = until if since is None else f"{since}..{until}"
    named = [f":(literal){path}" for path in paths]
    who = "--format=<%ae>%n<%aE>%n<%ce>%n<%cE>%n%(trailers:key=Co-authored-by,valueonly)"
    said = checkout.git("log", "--full-history", who, span, "--", *named)
    return frozenset(re.findall(r"(?<=<)[^<>\n]+(?=>)|[^\s<>]+@[^\s<>]+", said))


def user_email(root: Path) -> str:
    """The address that new commits get; empty where none is set."""
    try:
        return Checkout.of(root).ask("config", "user.email").out.strip()
    except GitError:
        return ""


def is_dirty(root: Path) -> bool:
    """Whether something below `root` differs from HEAD; untracked files count, ignored ones don't."""
    return _is_dirty(Checkout.of(root))


def state(root: Path) -> tuple[str | None, bool]:
    """The commit that is checked out and whether there are edits on top; None, True outside of Git."""
    try:
        checkout = Checkout.of(root)
        return commit_of(checkout, "HEAD"), _is_dirty(checkout)
    except GitError:
        return None, True


# Where changes are merged into, by the remote's word, else by custom.
_MAIN = (
    "refs/remotes/origin/HEAD", "refs/remotes/origin/main", "refs/remotes/origin/master",
    "refs/heads/main", "refs/heads/master",
)  # fmt: skip


def merged_text(root: Path, path: str) -> str | None:
    """A file of `root` as it was where HEAD left the branch that changes are merged into.

    None where there was no such file, or no such branch is known.
    """
    try:
        checkout = Checkout.of(root)
    except GitError:
        return None
    for branch in _MAIN:
        tip = tip_of(checkout, branch)
        fork = checkout.ask("merge-base", "HEAD", tip) if tip else None
        if fork is not None and fork.code == 0:
            shown = checkout.ask("show", f"{fork.out.strip()}:{checkout.below}{path}")
            return shown.out if shown.code == 0 else None
    return None


def commit_of(checkout: Checkout, ref: str) -> str:
    """As `resolve`, in a checkout."""
    if not ref or ref.startswith("-") or not ref.isprintable():
        raise GitError(f"{ref!r} is not a revision")
    asked = checkout.ask("rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}")
    commit = asked.out.strip()
    if asked.code != 0 or is_missing(checkout, ref):
        _refuse_unknown(checkout, ref)
    refuse_ambiguous(checkout, ref, commit)
    return commit


def _is_dirty(checkout: Checkout) -> bool:
    options = ("--porcelain", "--untracked-files=normal", "--ignore-submodules=none")
    return bool(checkout.git("status", *options, "--", ".", extra=checkout.without_filters()))


def _refuse_unknown(checkout: Checkout, ref: str) -> NoReturn:
    if checkout.ask("rev-parse", "--verify", "--quiet", "HEAD").code != 0:
        raise GitError("this repository has no commit yet\n  help: git commit")
    names = checkout.git(
        "for-each-ref", "--format=%(refname:short)", "refs/heads", "refs/remotes", "refs/tags"
    ).split()
    # in CI, branches often exist as the remote's only
    near = [name for name in names if name.endswith(f"/{ref}")] or get_close_matches(ref, names, 1)
    if near and ref.startswith(f"{near[0]}~"):  # the name is right, its history ends before
        near = []
    meant = f"\n  help: did you mean {near[0]}?" if near else ""
    hint = _DEEPEN if _is_shallow(checkout) else ""
    raise GitError(f"unknown revision {ref!r}{meant}{hint}")


def _is_shallow(checkout: Checkout) -> bool:
    return checkout.git("rev-parse", "--is-shallow-repository").strip() == "true"
