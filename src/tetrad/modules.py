"""The repository's modules that Python code imports, found by reading the code, never by running it.

What code does is decided by its own text and by the text of every module of the repository that it
imports, so a digest of code covers them too. Modules are looked up as Python does it, from the code's
own folder and from the repository's root; a name of the standard library is never the repository's.
An import that no statement names (`importlib.import_module(name)`) is not found here, and the
process that runs the code refuses it.
"""

from __future__ import annotations

import ast
import sys
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from tetrad.canonical import Digest, Json, digest_of, digest_text
from tetrad.errors import Location, SpecError


class ModuleFiles(Protocol):
    """The files of one repository, named by POSIX paths from its root."""

    def has(self, file: str) -> bool: ...

    def has_folder(self, folder: str) -> bool: ...

    def read(self, file: str, asked_at: Location) -> bytes:
        """The bytes of a file; SpecError where it cannot be read."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Module:
    """A module of the repository under the name by which it is imported."""

    name: str
    file: str
    digest: Digest


@dataclass(frozen=True, kw_only=True, slots=True)
class OpenedFile:
    """A file of the repository that code declares to open, as the file that declares it names it."""

    name: str  # relative to the folder of that file
    file: str
    digest: Digest


@dataclass
class Modules:
    """Says which modules of a repository code imports; each file is read and parsed once."""

    files: ModuleFiles
    _known: dict[tuple[bytes, str, tuple[str, ...]], tuple[Module, ...]] = field(
        default_factory=dict
    )
    _read: dict[str, bytes | None] = field(default_factory=dict)
    _named: dict[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)

    def imported_by(
        self, source: bytes, folders: Sequence[str], package: str = ""
    ) -> tuple[Module, ...]:
        """Every module that the code imports, and those that they import, in order of their names.

        `folders` are where they are looked up, the first first; `package` is the code's own, from
        which its relative imports count.
        """
        key = (source, package, tuple(folders))
        if key not in self._known:
            self._known[key] = self._closure(source, folders, package)
        return self._known[key]

    def _closure(self, source: bytes, folders: Sequence[str], package: str) -> tuple[Module, ...]:
        found: dict[str, Module] = {}
        left = list(_imports(source, package))
        while left:
            for name, file in self._along(left.pop(), folders):
                data = None if name in found else self._data(file)
                if data is not None:
                    found[name] = Module(name=name, file=file, digest=digest_text(data))
                    left += self._imports_of(name, file, data)
        return tuple(module for _, module in sorted(found.items()))

    def _along(self, dotted: str, folders: Sequence[str]) -> Iterator[tuple[str, str]]:
        """The modules that importing a dotted name runs: its packages, then itself."""
        places = list(folders)
        done: list[str] = []
        for part in dotted.split("."):
            if not done and part in sys.stdlib_module_names:
                return
            done.append(part)
            file, places = self._step(part, places)
            if file:
                yield ".".join(done), file
            if not places:
                return

    def _step(self, part: str, places: Sequence[str]) -> tuple[str, list[str]]:
        """The file of a module that lies in one of the places, and the places of what is in it."""
        portions = []  # of a package without an __init__.py
        for place in places:
            path = f"{place}/{part}".removeprefix("/")
            if self.files.has(f"{path}/__init__.py"):
                return f"{path}/__init__.py", [path]
            if self.files.has(f"{path}.py"):
                return f"{path}.py", []
            if self.files.has_folder(path):
                portions.append(path)
        return "", portions

    def _data(self, file: str) -> bytes | None:
        """None of what cannot be read, a link out of the repository say: running refuses it."""
        if file not in self._read:
            try:
                self._read[file] = self.files.read(file, Location(file))
            except SpecError:
                self._read[file] = None
        return self._read[file]

    def _imports_of(self, name: str, file: str, data: bytes) -> tuple[str, ...]:
        is_package = file.endswith("/__init__.py")
        package = name if is_package else name.rpartition(".")[0]
        key = (file, package)
        if key not in self._named:
            self._named[key] = tuple(_imports(data, package))
        return self._named[key]


def code_digest(
    source: bytes, modules: Sequence[Module], opens: Sequence[OpenedFile] = ()
) -> Digest:
    """The digest of a file's code: of its text alone where it needs nothing of the repository."""
    own, needed = digest_text(source), needed_by_name(modules, opens)
    return digest_of({"source": str(own), **needed}) if needed else own


def needed_by_name(modules: Sequence[Module], opens: Sequence[OpenedFile]) -> dict[str, Json]:
    """Digests of what code imports and opens, by the names that it uses: each kind if there is any."""
    kinds: dict[str, Sequence[Module | OpenedFile]] = {"modules": modules, "files": opens}
    return {
        kind: {needed.name: str(needed.digest) for needed in found}
        for kind, found in kinds.items()
        if found
    }


def _imports(source: bytes, package: str) -> Iterator[str]:
    """The dotted names that code may import; `from a import b` may mean the module `a.b`."""
    if b"import" not in source:
        return
    for node in ast.walk(_parsed(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = _base(node, package)
            if base is not None:
                yield from (f"{base}.{alias.name}".strip(".") for alias in node.names)


def _base(node: ast.ImportFrom, package: str) -> str | None:
    """The name from which a statement imports; None where it leads above the topmost package."""
    if node.level == 0:
        return node.module
    parts = package.split(".") if package else []
    if node.level > len(parts):
        return None
    kept = parts[: len(parts) - node.level + 1]
    return ".".join([*kept, node.module] if node.module else kept)


def _parsed(source: bytes) -> ast.Module:
    """The code's tree; an empty one where it is no Python, which running it will tell."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what running it would warn
            return ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ast.Module(body=[], type_ignores=[])
