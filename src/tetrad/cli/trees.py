"""The two trees that a comparison needs: the working tree, and the merge base laid out in a folder."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from tetrad import git
from tetrad.canonical import digest_file
from tetrad.errors import GitError
from tetrad.spec.load import load_repository
from tetrad.spec.model import Repository, Stack


@dataclass(frozen=True, kw_only=True, slots=True)
class Compared:
    """The head and, where one was asked for, the base; `base_commit` None: none was asked for."""

    head: Repository
    head_commit: str | None
    dirty: bool
    base: Repository | None = None
    base_commit: str | None = None


@contextmanager
def compared(root: Path, base: str | None) -> Iterator[Compared]:
    """Load the working tree and the merge base of HEAD and `base`; the base's folder goes at the end.

    Raises SpecError for either tree, GitError where the base cannot be had.
    """
    head = load_repository(root)
    commit, dirty = _state(root)
    if base is None:
        yield Compared(head=head, head_commit=commit, dirty=dirty)
        return
    base_commit = git.merge_base(root, base)
    with TemporaryDirectory(prefix="tetrad-base-") as folder:
        git.export(root, base_commit, Path(folder))
        yield Compared(
            head=head,
            head_commit=commit,
            dirty=dirty,
            base=load_repository(Path(folder)),
            base_commit=base_commit,
        )


def _state(root: Path) -> tuple[str | None, bool]:
    """The commit checked out and whether there are edits on top; no commit outside of Git."""
    try:
        return git.resolve(root, "HEAD"), git.is_dirty(root)
    except GitError:
        return None, True


class TreeFiles:
    """The text files of one tree on disk."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def text(self, path: str) -> str | None:
        try:
            return (self._root / path).read_text(encoding="utf-8")
        except (FileNotFoundError, UnicodeDecodeError):
            return None

    def documents(self, stack: Stack) -> Mapping[str, str]:
        from tetrad.spec.build.corpus import documents_of
        from tetrad.spec.tree import Tree

        if stack.retrieval is None:
            return {}
        documents = stack.retrieval.corpus.documents
        return {
            f"{documents.path}/{id_}": str(digest_file(path))
            for id_, path in documents_of(Tree(self._root), documents)
        }
