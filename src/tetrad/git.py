"""What Tetrad asks of Git, by the `git` command; `root` may be any folder inside a repository.

Nothing here writes into the repository; `export` writes into a folder of the caller's.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from difflib import get_close_matches
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NoReturn

from tetrad.errors import GitError

# A shallow clone follows one branch alone, so that the others have to be named.
_DEEPEN = (
    "\n  help: git fetch --unshallow origin '+refs/heads/*:refs/remotes/origin/*'"
    "\n  help: in a GitHub workflow: actions/checkout with `fetch-depth: 0`"
)
# Variables with these beginnings say how Git behaves for this user. The others (GIT_DIR,
# GIT_INDEX_FILE, GIT_WORK_TREE, …) name another repository than `root` when a hook runs us.
_KEPT = ("GIT_CONFIG_", "GIT_SSH", "GIT_ASKPASS", "GIT_CEILING_DIRECTORIES", "GIT_EXEC_PATH")


def head(root: Path) -> str:
    """The commit that is checked out."""
    return resolve(root, "HEAD")


def resolve(root: Path, ref: str) -> str:
    """The commit that a revision names, in full."""
    if not ref or ref.startswith("-") or not ref.isprintable():
        raise GitError(f"{ref!r} is no revision")
    asked = _run(root, "rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}")
    if asked.returncode != 0:
        _refuse_unknown(root, ref)
    return asked.stdout.strip()


def merge_base(root: Path, ref: str) -> str:
    """The commit at which HEAD and `ref` parted."""
    theirs, ours = resolve(root, ref), head(root)
    asked = _run(root, "merge-base", theirs, ours)
    if asked.returncode != 0:
        reason = f"HEAD and {ref} have no commit in common"
        raise GitError(f"{reason} in this shallow clone{_DEEPEN}" if _is_shallow(root) else reason)
    return asked.stdout.strip()


def is_dirty(root: Path) -> bool:
    """Whether something below `root` differs from HEAD; untracked files count, ignored ones don't."""
    return bool(_git(root, "status", "--porcelain", "--untracked-files=normal", "--", "."))


def export(root: Path, ref: str, into: Path) -> None:
    """Lay the tree of `ref`, as far as it lies below `root`, out in the empty folder `into`.

    A checkout from an index of its own, not `git archive`: that would leave out what the tree marks
    `export-ignore` and rewrite what it marks `export-subst`, so the base would not be what was
    merged. Git's checkout keeps symlinks as symlinks and never writes through one. It is one into a
    working tree of its own: the `.gitattributes` of this one are the change's.
    """
    commit = resolve(root, ref)
    below = _git(root, "rev-parse", "--show-prefix").removesuffix("\n")
    place = _git(root, "rev-parse", "--absolute-git-dir").removesuffix("\n")
    with TemporaryDirectory(dir=into, prefix=".export-") as folder:
        tree = Path(folder, "tree")
        tree.mkdir()
        own = {
            "GIT_INDEX_FILE": str(Path(folder, "index")),
            "GIT_DIR": place,
            "GIT_WORK_TREE": str(tree),
        }
        _git(tree, "read-tree", commit, extra=own)
        _git(tree, "checkout-index", "--all", extra=own)
        laid_out = tree / below
        # the folder may be younger than the commit: then its tree was empty
        for entry in sorted(laid_out.iterdir()) if laid_out.is_dir() else ():
            entry.rename(into / entry.name)


@contextmanager
def base_tree(root: Path, ref: str | None) -> Iterator[tuple[str, Path] | None]:
    """The merge base of HEAD and `ref`, with its tree in a folder that goes at the end.

    None where no `ref` is given, so that a command without a base needs no repository.
    """
    if ref is None:
        yield None
        return
    commit = merge_base(root, ref)
    with TemporaryDirectory(prefix="tetrad-base-") as folder:
        export(root, commit, Path(folder))
        yield commit, Path(folder)


def state(root: Path) -> tuple[str | None, bool]:
    """The commit that is checked out and whether there are edits on top; None, True outside of Git."""
    try:
        return head(root), is_dirty(root)
    except GitError:
        return None, True


def refuse_committed(root: Path, file: Path) -> None:
    """GitError where a database that only this machine may write comes with the commits: a change
    would bring its own answers, and be judged by them.
    """
    names = [f"{file.resolve()}{ending}" for ending in ("", "-wal", "-journal")]
    try:
        brought = _run(root, "--literal-pathspecs", "ls-files", "-z", "--", *names).stdout
    except GitError:  # outside of Git nothing is committed
        return
    if brought:
        name = brought.split("\0")[0]
        raise GitError(
            f"{name} is committed: answers that a change brings prove nothing"
            f"\n  help: git rm --cached {name}, and delete the file"
        )


def _refuse_unknown(root: Path, ref: str) -> NoReturn:
    if _run(root, "rev-parse", "--verify", "--quiet", "HEAD").returncode != 0:
        raise GitError("this repository has no commit yet\n  help: git commit")
    names = _git(
        root, "for-each-ref", "--format=%(refname:short)", "refs/heads", "refs/remotes", "refs/tags"
    ).split()
    # in CI, branches often exist as the remote's only
    near = [name for name in names if name.endswith(f"/{ref}")] or get_close_matches(ref, names, 1)
    if near and ref.startswith(f"{near[0]}~"):  # the name is right, its history ends before
        near = []
    meant = f"\n  help: did you mean {near[0]}?" if near else ""
    hint = _DEEPEN if _is_shallow(root) else ""
    raise GitError(f"unknown revision {ref!r}{meant}{hint}")


def _is_shallow(root: Path) -> bool:
    return _git(root, "rev-parse", "--is-shallow-repository").strip() == "true"


def _git(root: Path, *arguments: str, extra: Mapping[str, str] | None = None) -> str:
    """What Git says on its standard output; GitError with what it complains of."""
    asked = _run(root, *arguments, extra=extra)
    if asked.returncode != 0:
        raise GitError(f"git {arguments[0]} failed: {asked.stderr.strip()}")
    return asked.stdout


def _run(
    root: Path, *arguments: str, extra: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    # a repository's own settings may name a program as fsmonitor, which `git status` would run
    command = ["git", "-C", str(root), "-c", "core.fsmonitor=false", *arguments]
    try:
        asked = subprocess.run(
            command,
            check=False,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="surrogateescape",
            env=_environment() | dict(extra or {}),
        )
    except FileNotFoundError as exc:
        raise GitError("git is not installed, or not on PATH") from exc
    if "dubious ownership" in asked.stderr:
        raise GitError(
            f"{root} belongs to another user, so Git reads nothing of it"
            f"\n  help: git config --global --add safe.directory {root}"
        )
    if "not a git repository" in asked.stderr:
        raise GitError(
            f"{root} is not in a Git repository\n  help: git init; where no base is named, none is needed"
        )
    return asked


def _environment() -> dict[str, str]:
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("GIT_") or name.startswith(_KEPT)
    }
    return kept | {
        "LC_ALL": "C",  # its complaints are read
        "GIT_NO_REPLACE_OBJECTS": "1",  # a commit is what its name says
        "GIT_OPTIONAL_LOCKS": "0",  # `status` leaves the index alone
        "GIT_TERMINAL_PROMPT": "0",
    }
