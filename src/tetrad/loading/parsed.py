"""What files were read as, kept by name and content: two trees have most of their files in common."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tetrad.golden import GoldenFile
    from tetrad.yamldoc.document import Document


@dataclass(frozen=True, slots=True)
class Parsed:
    """Components, and golden sets that are made of nothing but their own file."""

    _documents: dict[tuple[str, bytes], Document] = field(default_factory=dict)
    _golden: dict[tuple[str, bytes, frozenset[str] | None], GoldenFile] = field(
        default_factory=dict
    )

    def document(self, file: str, data: bytes, parse: Callable[[bytes, str], Document]) -> Document:
        found = self._documents.get((file, data))
        if found is None:
            found = self._documents[file, data] = parse(data, file)
        return found

    def golden(
        self,
        file: str,
        data: bytes,
        arrays: frozenset[str] | None,
        load: Callable[[str, bytes], GoldenFile],
    ) -> GoldenFile:
        """`arrays` are the variables that take lists, which decides what a case's lists mean."""
        found = self._golden.get((file, data, arrays))
        if found is None:
            found = load(file, data)
            if found.is_alone:
                self._golden[file, data, arrays] = found
        return found
