"""A commit's tree as files, to compare with."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from tetrad.errors import GitError
from tetrad.git.checkout import Checkout
from tetrad.git.lfs import resolve_pointers
from tetrad.git.revisions import commit_of
from tetrad.git.submodules import submodule_at, submodules_of


def export(root: Path, ref: str, into: Path) -> None:
    """Lay the tree of `ref`, as far as it lies below `root`, out in the empty folder `into`.

    A checkout from an index of its own, not `git archive`: that would leave out what the tree marks
    `export-ignore` and rewrite what it marks `export-subst`, so the base would not be what was
    merged. Git's checkout keeps symlinks as symlinks and never writes through one. It is one into a
    working tree of its own: the `.gitattributes` of this one are the change's.
    """
    checkout = Checkout.of(root)
    commit = commit_of(checkout, ref)
    with TemporaryDirectory(dir=into, prefix=".export-") as folder:
        tree = Path(folder, "tree")
        tree.mkdir()
        _lay_out(checkout, commit, tree)
        laid_out = tree / checkout.below
        if laid_out.resolve() != tree.resolve() / checkout.below:
            raise GitError(f"{checkout.below} was a symbolic link in {commit[:12]}")
        # the folder may be younger than the commit: then its tree was empty
        for entry in sorted(laid_out.iterdir()) if laid_out.is_dir() else ():
            entry.rename(into / entry.name)


def _lay_out(checkout: Checkout, commit: str, tree: Path) -> None:
    """A commit's tree with its submodules, and with the contents that Git LFS keeps."""
    apart = Checkout(git_folder=checkout.git_folder, top=tree, root=tree)
    with TemporaryDirectory(prefix="tetrad-index-") as folder:
        own = {"GIT_INDEX_FILE": str(Path(folder, "index"))}
        apart.git("read-tree", commit, extra=own)
        apart.git("checkout-index", "--all", extra=own | apart.without_filters())
    resolve_pointers(checkout, tree)
    for path, theirs in submodules_of(checkout, commit).items():
        place = tree / path
        submodule = submodule_at(checkout, path, theirs)
        if submodule is not None and place.resolve() == tree.resolve() / path:
            place.mkdir(parents=True, exist_ok=True)
            _lay_out(submodule, theirs, place)
