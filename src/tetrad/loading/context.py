"""What the builders of the kinds need from the loader."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tetrad.errors import Issue, Location
    from tetrad.golden import GoldenFile
    from tetrad.loading.fields import Fields
    from tetrad.loading.files import Tree
    from tetrad.model import Corpus, Model, Prompt, Stack, Tool
    from tetrad.modules import Modules, OpenedFile
    from tetrad.yamldoc.parse import Path


class NotBuilt(Exception):
    """A component cannot be built; its issues are reported already."""


class Context(Protocol):
    """Resolves references and collects issues; None where a reference leads to nothing usable."""

    tree: Tree

    @property
    def modules(self) -> Modules: ...

    def report(self, *issues: Issue) -> None: ...

    def data(
        self, fields: Fields, path: Path, written: str, *, from_root: bool = False
    ) -> tuple[str, bytes] | None:
        """A file that a component names, relative to it: its path from the root, its bytes."""

    def included(self, origin: str, at: Location, written: str) -> tuple[str, bytes] | None:
        """A file that a text of another file names at a place: its path from the root, its bytes."""

    def names(self, fields: Fields, path: Path, kind: str, *, at_key: bool = False) -> str | None:
        """The file that a reference means, without building it; None, reported, where none is.

        `at_key` takes the last key of the path for the reference.
        """

    def prompt(self, fields: Fields, path: Path) -> Prompt | None: ...

    def model(self, fields: Fields, path: Path) -> Model | None: ...

    def embedder(self, fields: Fields, path: Path) -> Model | None:
        """A model that makes vectors; reported where its engine cannot."""

    def corpus(self, fields: Fields, path: Path) -> Corpus | None: ...

    def tool(self, fields: Fields, path: Path) -> Tool | None: ...

    def golden(
        self,
        fields: Fields,
        path: Path,
        arrays: frozenset[str] | None,
        opens: Sequence[OpenedFile] = (),
    ) -> GoldenFile | None:
        """A golden set; `arrays` are the variables that take lists, None where that is unknown, and
        `opens` the files that its code may open.
        """

    def report_at(self, location: Location, message: str, hint: str) -> None: ...

    def stack(self, fields: Fields, path: Path) -> Stack | None: ...


__all__ = ["Context", "NotBuilt"]
