"""Parses each file once, builds each component once, and collects the issues of all."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from tetrad.errors import Issue, Location, SpecError
from tetrad.spec.build.context import NotBuilt
from tetrad.spec.build.corpus import build_corpus
from tetrad.spec.build.fields import Fields
from tetrad.spec.build.model import build_model
from tetrad.spec.build.prompt import build_prompt
from tetrad.spec.build.rest import build_environment, build_waivers
from tetrad.spec.build.stack import build_stack
from tetrad.spec.build.suite import build_suite
from tetrad.spec.build.tool import build_tool
from tetrad.spec.document import Document, Path, json_path
from tetrad.spec.golden import GoldenFile, load_golden
from tetrad.spec.model import KINDS, Corpus, Model, Prompt, Stack, Tool, Waiver
from tetrad.spec.nearest import did_you_mean
from tetrad.spec.parse import parse
from tetrad.spec.references import (
    ReferenceRefused,
    candidates,
    normalised,
    reference,
    reference_of,
)
from tetrad.spec.schema import check
from tetrad.spec.tree import Tree

_T = TypeVar("_T")

_BUILDERS: Mapping[str, Callable[[Fields, Any], Any]] = {
    "prompt": build_prompt,
    "model": build_model,
    "corpus": build_corpus,
    "tool": build_tool,
    "stack": build_stack,
    "environment": build_environment,
    "suite": build_suite,
    "waivers": build_waivers,
}


@dataclass
class Loader:
    """What is known of one tree so far; it is the builders' `Context`."""

    tree: Tree
    documents: dict[str, Document] = field(default_factory=dict)
    _values: dict[str, Any] = field(default_factory=dict)  # by file; None: cannot be built
    _issues: dict[str, Issue] = field(default_factory=dict)
    _under_way: list[str] = field(default_factory=list)
    _data: set[str] = field(default_factory=set)
    _without_kind: dict[str, Issue] = field(default_factory=dict)

    # -- results

    def issues(self) -> tuple[Issue, ...]:
        """All issues; a file without a kind is fine where a component names it as its data."""
        late = [issue for file, issue in self._without_kind.items() if file not in self._data]
        return SpecError([*self._issues.values(), *late]).issues

    def built(self, kind: type[_T]) -> Mapping[str, _T]:
        found = {reference_of(f): v for f, v in self._values.items() if isinstance(v, kind)}
        return dict(sorted(found.items()))

    def waivers(self) -> tuple[Waiver, ...]:
        lists = [value for value in self._values.values() if isinstance(value, tuple)]
        return tuple(waiver for waivers in lists for waiver in waivers)

    # -- building

    def build(self, file: str, asked_at: Location | None = None) -> Any:
        """The value of a component's file; None where it cannot be built, which is reported."""
        if file not in self._values:
            self._values[file] = None
            self._under_way.append(file)
            try:
                self._values[file] = self._build(file, asked_at or Location(file))
            except NotBuilt:
                pass
            except SpecError as error:
                self.report(*error.issues)
            self._under_way.pop()
        return self._values[file]

    def _build(self, file: str, asked_at: Location) -> Any:
        document = self._parse(file, asked_at)
        kind = self._kind(document)
        fields = self._extended(Fields.of(document, reference_of(file)), kind)
        before = len(self._issues)
        value = _BUILDERS[kind](fields, self)
        if len(self._issues) > before and any(
            issue.location.file == file for issue in list(self._issues.values())[before:]
        ):
            raise NotBuilt
        return value

    def _parse(self, file: str, asked_at: Location) -> Document:
        if file not in self.documents:
            data = self.tree.read(file, asked_at)
            self.documents[file] = parse(data, file)
        return self.documents[file]

    def _kind(self, document: Document) -> str:
        """The kind that a document says it is, with its schema checked."""
        value = document.value
        kind = value.get("kind") if isinstance(value, dict) else None
        if kind not in KINDS:
            self._without_kind[document.origin] = _no_kind(document, kind)
            raise NotBuilt
        issues = check(document, kind)
        if issues:
            raise SpecError(issues)
        return str(kind)

    def _extended(self, fields: Fields, kind: str) -> Fields:
        """A prompt's keys laid over those of the prompts that it extends."""
        if kind != "prompt":
            return fields
        chain = [fields.document.origin]
        while "extends" in fields.values:
            base = self._base(fields, chain)
            chain.append(base.document.origin)
            own = {k: v for k, v in fields.values.items() if k != "extends"}
            fields = Fields(fields.ref, fields.document, own, fields.given_by).over(base)
        if "messages" not in fields.values:
            message = "no prompt that this one extends has messages"
            raise SpecError([fields.issue(("extends",), message, "add messages:", at_key=True)])
        return fields

    def _base(self, fields: Fields, chain: list[str]) -> Fields:
        path = ("extends",)
        file = self.names(fields, path, "prompt")
        if file is None:
            raise NotBuilt
        if file in chain:
            loop = " → ".join(reference_of(f) for f in [*chain[chain.index(file) :], file])
            message = f"these prompts extend each other: {loop}"
            raise SpecError([fields.issue(path, message, "remove one extends:", code="SCH107")])
        document = self._parse(file, fields.at(path))
        if self._kind(document) != "prompt":
            message = f"{reference_of(file)} is a {document.value['kind']}, not a prompt"
            raise SpecError([fields.issue(path, message, code="SCH107")])
        return Fields.of(document, reference_of(file))

    # -- what the builders ask for

    def report(self, *issues: Issue) -> None:
        for issue in issues:
            self._issues.setdefault(str(issue), issue)

    def report_at(self, location: Location, message: str, hint: str) -> None:
        self.report(Issue(location=location, message=message, hint=hint))

    def prompt(self, fields: Fields, path: Path) -> Prompt | None:
        return self._resolve(Prompt, fields, path)

    def model(self, fields: Fields, path: Path) -> Model | None:
        return self._resolve(Model, fields, path)

    def corpus(self, fields: Fields, path: Path) -> Corpus | None:
        return self._resolve(Corpus, fields, path)

    def tool(self, fields: Fields, path: Path) -> Tool | None:
        return self._resolve(Tool, fields, path)

    def stack(self, fields: Fields, path: Path) -> Stack | None:
        return self._resolve(Stack, fields, path)

    def golden(self, fields: Fields, path: Path, arrays: frozenset[str]) -> GoldenFile | None:
        found = self.data(fields, path, str(_value(fields, path)))
        if found is None:
            return None
        loaded = load_golden(*found, self.tree.read, self.tree.glob, arrays=arrays)
        self.report(*loaded.issues)
        self.documents.update(loaded.documents)
        return loaded

    def data(
        self, fields: Fields, path: Path, written: str, *, from_root: bool = False
    ) -> tuple[str, bytes] | None:
        """A file beside the component that names it, or from the root where none lies there."""
        origin = fields.source(path).origin
        at = fields.at(path)
        try:
            file = normalised(written, origin)
            if not from_root and not written.startswith(("./", "../")):
                beside = normalised(f"./{written}", origin)
                file = beside if self.tree.has(beside) or not self.tree.has(file) else file
            data = self.tree.read(file, at)
        except ReferenceRefused as error:
            self.report(fields.issue(path, str(error), code="SCH107"))
            return None
        except SpecError as error:
            self.report(*(replace(i, path=json_path(path)) for i in error.issues))
            return None
        self._data.add(file)
        return file, data

    def _resolve(self, kind: type[_T], fields: Fields, path: Path) -> _T | None:
        file = self.names(fields, path, kind.__name__.lower())
        if file is None:
            return None
        if file in self._under_way:
            loop = " → ".join(reference_of(f) for f in [*self._under_way, file])
            message = f"this reference leads back here: {loop}"
            self.report(fields.issue(path, message, "remove one of them", code="SCH107"))
            return None
        value = self.build(file, fields.at(path))
        if value is None or isinstance(value, kind):
            return value
        wanted, got = kind.__name__.lower(), type(value).__name__.lower()
        message = f"{reference_of(file)} is a {got}, not a {wanted}"
        hint = did_you_mean(reference_of(file), self.tree.references(wanted))
        self.report(fields.issue(path, message, hint, code="SCH107"))
        return None

    def names(self, fields: Fields, path: Path, kind: str) -> str | None:
        written = str(_value(fields, path))
        try:
            ref = reference(written, fields.source(path).origin)
        except ReferenceRefused as error:
            message = f"{written!r} is no reference"
            self.report(fields.issue(path, message, str(error), code="SCH107"))
            return None
        found = next((file for file in candidates(ref) if self.tree.has(file)), None)
        if found is None:
            hint = did_you_mean(
                ref, self.tree.references(kind), f"create {ref}.yaml, or correct the path"
            )
            message = f"there is no file {ref}.yaml"
            self.report(fields.issue(path, message, hint, code="SCH107"))
        return found


def _value(fields: Fields, path: Path) -> Any:
    value: Any = fields.values
    for step in path:
        value = value[step]
    return value


def _no_kind(document: Document, kind: Any) -> Issue:
    known = ", ".join(KINDS)
    if isinstance(kind, str):
        hint = did_you_mean(kind, KINDS, f"kinds are {known}")
        return Issue(
            location=document.at(("kind",)),
            message=f"there is no kind {kind!r}",
            hint=hint,
            path="$.kind",
        )
    message = "this file does not say what it is"
    hint = f"begin it with kind: and one of {known}"
    return Issue(location=document.at(()), message=message, hint=hint)
