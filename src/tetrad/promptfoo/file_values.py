"""Files that a golden set names by `file://`, relative to itself: texts, values, and code."""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeGuard

from tetrad.assertions.table import CODED
from tetrad.canonical import Digest, digest_of, with_lf
from tetrad.errors import Issue, Location, SpecError
from tetrad.model.references import ReferenceRefused, normalised
from tetrad.promptfoo.code import CodeFiles
from tetrad.promptfoo.raw import Glob, RawCase, Read, Report
from tetrad.yamldoc.jsonfile import parse_json
from tetrad.yamldoc.parse import COMPONENT, Document, Limits, decode, parse

if TYPE_CHECKING:
    from tetrad.promptfoo.respelled import RespelledNumbers, Told

_FILE = "file://"
_PYTHON = ".py"
PROGRAMS = (_PYTHON, ".js", ".ts", ".cjs", ".mjs", ".cts", ".mts", ".rb")
_DATA = (".yaml", ".yml", ".json")
_NO_TEXT = (
    ".png", ".jpg", ".jpeg", ".gif", ".webp", ".bmp", ".mp3", ".wav", ".mp4", ".webm", ".mov", ".pdf",
)  # fmt: skip
_WILD = re.compile(r"[*?\[]")


def parsed(
    data: bytes, file: str, limits: Limits = COMPONENT, *, anchors: bool = False
) -> Document:
    """A YAML or JSON file with the place of each of its values."""
    if file.endswith(".json"):
        return parse_json(data, file, limits=limits)
    return parse(data, file, limits=limits, anchors=anchors)


class PromptfooFiles:
    """Puts the content of files where a golden set's file names them."""

    def __init__(
        self,
        path: str,
        read: Read,
        glob: Glob,
        report: Report,
        code: CodeFiles,
        respelled: RespelledNumbers,
    ) -> None:
        self._path = path
        self._read = read
        self._glob = glob
        self.report = report
        self._code = code
        self.respelled = respelled

    def of(self, path: str) -> PromptfooFiles:
        """The same, for files that are named relative to another one."""
        return PromptfooFiles(path, self._read, self._glob, self.report, self._code, self.respelled)

    def filled(self, case: RawCase) -> RawCase:
        """The case with its files read; code is named by its path from the root, and digested."""
        raw, at = case.value, case.locate
        options, source = raw.get("options", {}), None
        if options:
            options, source = self._transform(options, at(("options",)))
        filled = {
            **raw,
            "vars": {
                name: self._var(value, at(("vars", name))) if _may_be_file(value) else value
                for name, value in raw.get("vars", {}).items()
            },
            "assert": [
                self._assertion(item, at(("assert", number)))
                for number, item in enumerate(raw.get("assert", ()))
            ],
            "options": options,
        }
        return RawCase({**filled, "source": source} if source else filled, case.locate)

    def beside(self, written: str, at: Location) -> str | None:
        """The path from the root of a file that is named relative to the golden set."""
        try:
            name = posixpath.join("./", written.removeprefix(_FILE))
            return normalised(name, self._path)
        except ReferenceRefused as error:
            self.report(Issue(location=at, message=str(error), code="SCH107"))
            return None

    def named(self, written: str, at: Location) -> list[str]:
        """The files from the root that a name relative to the golden set means: one, or a glob's."""
        file = self.beside(written, at)
        if file is None or not _WILD.search(file):
            return [] if file is None else [file]
        found = list(self._glob(file))
        if not found:
            message, hint = f"no file fits {file}", "create one, or correct the pattern"
            self.report(Issue(location=at, message=message, hint=hint, code="SCH107"))
        return found

    def values(self, written: str, at: Location) -> dict[str, Any]:
        """The mapping of a data file, or those of several, later ones over earlier ones."""
        values: dict[str, Any] = {}
        for file in self.named(written, at):
            content = (
                self._content(file, at, self.respelled.of_vars) if file.endswith(_DATA) else None
            )
            if isinstance(content, Mapping):
                values |= content
            elif content != file:  # which stands where reading failed, and that is reported
                message = f"{file} holds no values by name"
                hint = "write a YAML or JSON mapping of variables there, or the vars here"
                self.report(Issue(location=at, message=message, hint=hint))
        return values

    def _var(self, value: Any, at: Location) -> Any:
        """As promptfoo puts it in: a text, or compact JSON for a YAML file; a glob is a list."""
        if isinstance(value, list):
            return [self._var(item, at) for item in value]
        if not _is_file(value):
            return value
        files = self.named(value, at)
        if _WILD.search(value):
            return [self._text(file, at) for file in files]
        return self._text(files[0], at) if files else value

    def _text(self, file: str, at: Location) -> str:
        told = None if file.endswith(".json") else self.respelled.of_text
        content = self._content(file, at, told)
        if told is None and content != file:  # which stands where reading failed
            return _text_of(self._read(file, at), file)
        if isinstance(content, str):
            return content
        return json.dumps(content, ensure_ascii=False, separators=(",", ":"))

    def _assertion(self, item: Mapping[str, Any], at: Location) -> Mapping[str, Any]:
        if "assert" in item:
            return {**item, "assert": [self._assertion(inner, at) for inner in item["assert"]]}
        filled, transform = self._transform(item, at)
        own = None
        if "value" in item:
            filled["value"], own = self._value(item["value"], item.get("type", ""), at)
        if own is None and item.get("type", "").removeprefix("not-") in CODED:
            own = self._code.digest_of_text(str(filled.get("value", "")))
        source = transform if own is None else str(digest_of([str(own), transform]))
        return {**filled, "source": source} if source else filled

    def _value(self, value: Any, type_: str, at: Location) -> tuple[Any, Digest | None]:
        """A value with what the files that it names hold; the digest of a file with code."""

        def told(document: Document) -> Iterator[Issue]:
            return self.respelled.of_assertion(document, type_)

        if isinstance(value, list):
            return [self._listed(one, at, told) for one in value], None
        if not _is_file(value):
            return value, None
        if _path(value).endswith(_PYTHON):
            return self._named_code(value, at)
        file = self.beside(value, at)
        return (value if file is None else self._content(file, at, told)), None

    def _listed(self, value: Any, at: Location, told: Told) -> Any:
        """An item of a list: the content of the file that it names, or itself."""
        file = self.beside(value, at) if _is_file(value) else None
        return value if file is None else self._content(file, at, told)

    def _transform(self, raw: Mapping[str, Any], at: Location) -> tuple[dict[str, Any], str | None]:
        """The keys with a transform's file named from the root, and the digest of its code."""
        transform = raw.get("transform")
        if not _is_file(transform):
            return dict(raw), None
        code, source = self._named_code(transform, at)
        return {**raw, "transform": code}, None if source is None else str(source)

    def _named_code(self, written: str, at: Location) -> tuple[str, Digest | None]:
        name, colon, function = written.removeprefix(_FILE).partition(":")
        data, file = self._bytes(name, at)
        if data is None:
            return written, None
        return f"{_FILE}{file}{colon}{function}", self._code.digest_of_file(file, data)

    def _content(self, file: str, at: Location, told: Told | None) -> Any:
        """What a file by its path from the root holds; its name where that cannot be read. `told` are
        the issues of its values.
        """
        refused = _why_not_content(file)
        if refused:
            hint = "write the value itself, or name a text file"
            self.report(Issue(location=at, message=refused, hint=hint))
            return file
        try:
            data = self._read(file, at)
            if not file.endswith(_DATA):
                return _text_of(data, file)
            document = parsed(data, file)
        except SpecError as error:
            self._report_all(error)
            return file
        for issue in told(document) if told is not None else ():
            self.report(issue)
        return document.value

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
            self.report(issue)


def _text_of(data: bytes, file: str) -> str:
    return decode(with_lf(data), file).strip()


def _why_not_content(file: str) -> str:
    if _path(file).endswith(PROGRAMS):
        return "programs are not run to make a value"
    if file.lower().endswith(_NO_TEXT):
        return "promptfoo puts a picture, a recording or a PDF in here; texts and data are read"
    return ""


def _path(written: str) -> str:
    """A path without the scheme before it and the function behind it."""
    return written.removeprefix(_FILE).partition(":")[0]


def _may_be_file(value: object) -> bool:
    return isinstance(value, list) or _is_file(value)


def _is_file(value: object) -> TypeGuard[str]:
    return isinstance(value, str) and value.startswith(_FILE)
