"""Files that a golden set names by `file://`, relative to itself: texts, values, and code."""

from __future__ import annotations

import json
import posixpath
from collections.abc import Mapping
from typing import Any, TypeGuard

from tetrad.canonical import digest_bytes, digest_of
from tetrad.errors import Issue, Location, SpecError
from tetrad.spec.golden.raw import RawCase, Read, Report
from tetrad.spec.parse import decode, parse
from tetrad.spec.references import ReferenceRefused, normalised

_FILE = "file://"
_PYTHON = ".py"
_OTHER_PROGRAMS = (".js", ".ts", ".cjs", ".mjs", ".cts", ".mts", ".rb")
_DATA = (".yaml", ".yml", ".json")


class Files:
    """Puts the content of files where a golden set's file names them."""

    def __init__(self, path: str, read: Read, report: Report) -> None:
        self._path = path
        self._read = read
        self._report = report

    def filled(self, case: RawCase) -> RawCase:
        """The case with its files read; code is named by its path from the root, and digested."""
        raw, at = case.value, case.locate
        options, source = self._transform(raw.get("options", {}), at(("options",)))
        value = {
            **raw,
            "vars": {n: self._var(v, at(("vars", n))) for n, v in raw.get("vars", {}).items()},
            "assert": [
                self._assertion(item, at(("assert", number)))
                for number, item in enumerate(raw.get("assert", ()))
            ],
            "options": options,
        }
        return RawCase({**value, "source": source} if source else value, case.locate)

    def beside(self, written: str, at: Location) -> str | None:
        """The path from the root of a file that is named relative to the golden set."""
        try:
            name = posixpath.join("./", written.removeprefix(_FILE))
            return normalised(name, self._path)
        except ReferenceRefused as error:
            self._report(Issue(location=at, message=str(error), code="SCH107"))
            return None

    def _var(self, value: Any, at: Location) -> Any:
        """As promptfoo puts it in: a text, or the compact JSON of a data file."""
        if not _is_file(value):
            return value
        content = self._content(value, at)
        if isinstance(content, str):
            return content
        return json.dumps(content, ensure_ascii=False, separators=(",", ":"))

    def _assertion(self, item: Mapping[str, Any], at: Location) -> Mapping[str, Any]:
        if "assert" in item:
            return {**item, "assert": [self._assertion(inner, at) for inner in item["assert"]]}
        filled, transform = self._transform(item, at)
        value = item.get("value")
        if not _is_file(value):
            return {**filled, "source": transform} if transform else filled
        if _PYTHON not in value:
            return {**filled, "value": self._content(value, at)}
        code, source = self._code(value, at)
        return {**filled, "value": code, "source": str(digest_of([source, transform]))}

    def _transform(self, raw: Mapping[str, Any], at: Location) -> tuple[dict[str, Any], str | None]:
        """The keys with a transform's file named from the root, and the digest of its code."""
        transform = raw.get("transform")
        if not _is_file(transform):
            return dict(raw), None
        code, source = self._code(transform, at)
        return {**raw, "transform": code}, source

    def _code(self, written: str, at: Location) -> tuple[str, str | None]:
        name, colon, function = written.removeprefix(_FILE).partition(":")
        data, file = self._bytes(name, at)
        if data is None:
            return written, None
        return f"{_FILE}{file}{colon}{function}", str(digest_bytes(data))

    def _content(self, written: str, at: Location) -> Any:
        if written.endswith((*_OTHER_PROGRAMS, _PYTHON)):
            message = "a program stands where a value is needed, and is not run"
            hint = "write the value itself, or name a text file"
            self._report(Issue(location=at, message=message, hint=hint))
            return written
        data, file = self._bytes(written, at)
        if data is None:
            return written
        try:
            return parse(data, file).value if file.endswith(_DATA) else decode(data, file).strip()
        except SpecError as error:
            self._report_all(error)
            return written

    def _bytes(self, written: str, at: Location) -> tuple[bytes | None, str]:
        file = self.beside(written, at)
        if file is None:
            return None, ""
        try:
            return self._read(file, at), file
        except SpecError as error:
            self._report_all(error)
            return None, file

    def _report_all(self, error: SpecError) -> None:
        for issue in error.issues:
            self._report(issue)


def _is_file(value: object) -> TypeGuard[str]:
    return isinstance(value, str) and value.startswith(_FILE)
