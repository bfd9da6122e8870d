"""Python code of a golden set, in files or between its lines, and what it imports of the repository."""

from __future__ import annotations

import posixpath
import textwrap
from collections.abc import Sequence

from tetrad.canonical import Digest, digest_of, digest_text
from tetrad.modules import Modules, OpenedFile, code_digest, needed_by_name

_ROOT = ("",)


class CodeFiles:
    """What each piece of code runs: by its file or its text, that file and those that it imports.

    Each may open the files that are declared for all of them.
    """

    def __init__(self, modules: Modules, opens: Sequence[OpenedFile] = ()) -> None:
        self.files: dict[str, dict[str, Digest]] = {}
        self.looked = False  # whether there was any code
        self._modules = modules
        self._opens = opens

    def digest_of_file(self, file: str, data: bytes) -> Digest:
        """The digest of a file's code, with that of the modules which it imports."""
        self.looked = True
        folders = tuple(dict.fromkeys([posixpath.dirname(file), *_ROOT]))
        modules = self._modules.imported_by(data, folders)
        self.files[file] = {file: digest_text(data)} | {m.file: m.digest for m in modules}
        return code_digest(data, modules, self._opens)

    def digest_of_text(self, code: str) -> Digest | None:
        """What the text of code leaves open: what it imports and opens; None where that is nothing."""
        self.looked = True
        source = textwrap.dedent(code.strip("\n")).encode("utf-8", "surrogatepass")
        modules = self._modules.imported_by(source, _ROOT)
        if modules:
            self.files[code] = {module.file: module.digest for module in modules}
        needed = needed_by_name(modules, self._opens)
        return digest_of(needed) if needed else None
