"""Python code of a golden set, in files or between its lines, and what it imports of the repository."""

from __future__ import annotations

import posixpath
import textwrap

from tetrad.canonical import Digest, digest_of, digest_text
from tetrad.modules import Module, Modules, by_name, code_digest

_ROOT = ("",)


class CodeFiles:
    """The files with code that a golden set runs: those that it names, and those that they import."""

    def __init__(self, modules: Modules) -> None:
        self.files: dict[str, Digest] = {}
        self._modules = modules

    def digest_of_file(self, file: str, data: bytes) -> Digest:
        """The digest of a file's code, with that of the modules which it imports."""
        folders = tuple(dict.fromkeys([posixpath.dirname(file), *_ROOT]))
        self.files[file] = digest_text(data)
        return code_digest(data, self._noted(self._modules.imported_by(data, folders)))

    def digest_of_text(self, code: str) -> Digest | None:
        """What the text of code leaves open: the modules that it imports; None where there are none."""
        source = textwrap.dedent(code.strip("\n")).encode("utf-8", "surrogatepass")
        modules = self._noted(self._modules.imported_by(source, _ROOT))
        return digest_of({"modules": by_name(modules)}) if modules else None

    def _noted(self, modules: tuple[Module, ...]) -> tuple[Module, ...]:
        self.files |= {module.file: module.digest for module in modules}
        return modules
