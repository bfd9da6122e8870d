"""Contents that Git LFS keeps beside Git's objects, found without running its filter."""

from __future__ import annotations

from pathlib import Path

from tetrad.canonical import digest_file
from tetrad.git.checkout import Checkout
from tetrad.loading.lfs_pointers import MAX_BYTES, pointed_at


def resolve_pointers(checkout: Checkout, folder: Path) -> None:
    """Put contents in the place of the pointers below a folder, as far as they were fetched.

    The others stay: whether a file that nobody fetched is needed is for its reader to say.
    """
    store = storage_of(checkout)
    if not store.is_dir():
        return
    for path in folder.rglob("*"):
        if not path.is_symlink() and path.is_file() and path.stat().st_size <= MAX_BYTES:
            content = content_of(store, path.read_bytes())
            if content is not None:
                path.write_bytes(content)


def storage_of(checkout: Checkout) -> Path:
    """The folder in which Git LFS keeps contents by their SHA-256."""
    given = checkout.ask("config", "--path", "--get", "lfs.storage").out.removesuffix("\n")
    return checkout.shared_folder / (given or "lfs") / "objects"


def content_of(store: Path, pointer: bytes) -> bytes | None:
    """The content for which a pointer stands; None where it is none, or was not fetched."""
    oid = pointed_at(pointer)
    if oid is None:
        return None
    kept = store / oid[:2] / oid[2:4] / oid
    if not kept.is_file() or digest_file(kept).hex != oid:
        return None
    return kept.read_bytes()
