"""The base of a comparison: where a change began, and the files that were there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from tetrad.git.checkout import Checkout
from tetrad.git.committed import CommitTree
from tetrad.git.submodules import base_of
from tetrad.loading.files import Tree


@contextmanager
def base_tree(root: Path, ref: str | None) -> Iterator[tuple[str, Tree] | None]:
    """The merge base of HEAD and `ref`, with its files, which are to be read until the end.

    None where no `ref` is given, so that a command without a base needs no repository.
    """
    if ref is None:
        yield None
        return
    commit = base_of(Checkout.of(root), ref)
    with (
        TemporaryDirectory(prefix="tetrad-base-") as folder,
        closing(CommitTree(root, commit, Path(folder))) as files,
    ):
        yield commit, Tree(files)
