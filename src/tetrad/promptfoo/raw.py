"""Cases before they are built: plain mappings that the schema has checked, with their places."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from tetrad.errors import Issue, Location

if TYPE_CHECKING:
    from tetrad.yamldoc.parse import Path

Report: TypeAlias = Callable[[Issue], None]
Read: TypeAlias = Callable[[str, Location], bytes]  # a file by its path from the root
Glob: TypeAlias = Callable[[str], Iterable[str]]  # the files that fit a pattern from the root


@dataclass(frozen=True, slots=True)
class RawCase:
    """A checked mapping, and where each of its parts stands."""

    value: Mapping[str, Any]
    locate: Callable[[Path], Location]

    @property
    def location(self) -> Location:
        return self.locate(())
