"""A folder's files, some of them as an editor holds them and has not saved them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tetrad.canonical import Digest, digest_bytes
from tetrad.trees import Listing, WorkingTree


class EditedTree(WorkingTree):
    """Files that are edited lie where they would be saved; their folders need not be there yet."""

    def __init__(self, root: Path, edited: Mapping[str, bytes]) -> None:
        super().__init__(root)
        self.edited = edited

    __hash__ = None  # type: ignore[assignment] # what is edited changes

    def __eq__(self, other: object) -> bool:
        return self is other

    def has(self, file: str) -> bool:
        return file in self.edited or super().has(file)

    def is_link(self, name: str) -> bool:
        return name not in self.edited and super().is_link(name)

    def is_inside(self, name: str) -> bool:
        return name in self.edited or super().is_inside(name)

    def listing(self, folder: str) -> Listing | None:
        found = super().listing(folder)
        prefix = "" if folder in {"", "."} else f"{folder.removeprefix('./')}/"
        below = [name.removeprefix(prefix) for name in self.edited if name.startswith(prefix)]
        if found is None and not below:
            return None
        folders, links, files = found or Listing((), (), ())
        more = {name.split("/")[0] for name in below if "/" in name} - set(links)
        return Listing(
            sorted({*folders, *more}), links, sorted({*files, *(n for n in below if "/" not in n)})
        )

    def size(self, file: str) -> int:
        return len(self.edited[file]) if file in self.edited else super().size(file)

    def read(self, file: str) -> bytes:
        return self.edited[file] if file in self.edited else super().read(file)

    def unlinked(self, name: str) -> bytes | None:
        return self.edited[name] if name in self.edited else super().unlinked(name)

    def digest(self, file: str) -> Digest:
        return digest_bytes(self.edited[file]) if file in self.edited else super().digest(file)

    def blob_id(self, name: str) -> str | None:
        return None if name in self.edited else super().blob_id(name)
