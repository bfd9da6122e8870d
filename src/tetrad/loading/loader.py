"""Parses each file once, builds each component once, and collects the issues of all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from importlib import import_module
from typing import TYPE_CHECKING, Any

from tetrad.errors import Issue, Location, SpecError
from tetrad.loading.checked import Seen
from tetrad.loading.context import Context, NotBuilt
from tetrad.loading.fields import Fields
from tetrad.loading.files import Tree
from tetrad.loading.parsed import Parsed
from tetrad.model.references import (
    ReferenceRefused,
    candidates,
    normalised,
    reference,
    reference_of,
)
from tetrad.schemas.check import check_value, issue_of
from tetrad.schemas.kinds import KINDS, Kind
from tetrad.schemas.nearest import did_you_mean
from tetrad.schemas.violations import Problem
from tetrad.yamldoc.document import Document, Path, json_path
from tetrad.yamldoc.parse import parse

if TYPE_CHECKING:
    from tetrad.golden import GoldenFile
    from tetrad.model import Corpus, Model, Prompt, Stack, Tool
    from tetrad.modules import Modules, OpenedFile


@dataclass
class Loader:
    """What is known of one tree so far; it is the builders' `Context`."""

    tree: Tree
    parsed: Parsed = field(default_factory=Parsed)
    documents: dict[str, Document] = field(default_factory=dict)
    _values: dict[str, Any] = field(default_factory=dict)  # by file; None: cannot be built
    _issues: dict[str, Issue] = field(default_factory=dict)
    _issues_of: Counter[str] = field(default_factory=Counter)  # how many, by file
    _under_way: list[str] = field(default_factory=list)
    _data: set[str] = field(default_factory=set)
    _without_kind: dict[str, Issue] = field(default_factory=dict)

    @cached_property
    def modules(self) -> Modules:
        from tetrad.modules import Modules

        return Modules(self.tree)

    # -- results

    def issues(self) -> tuple[Issue, ...]:
        """All issues; a file without a kind is fine where a component names it as its data."""
        late = [issue for file, issue in self._without_kind.items() if file not in self._data]
        return SpecError([*self._issues.values(), *late]).issues

    def built(self) -> Mapping[Kind, Mapping[str, Any]]:
        """The components by kind and reference; a file of waivers holds many lines."""
        found: dict[Kind, dict[str, Any]] = {kind: {} for kind in KINDS}
        for file, value in self._values.items():
            if value is not None:
                found[_said_kind(self.documents[file])][reference_of(file)] = value
        return {kind: dict(sorted(values.items())) for kind, values in found.items()}

    def seen(self) -> Mapping[str, Seen]:
        """What each component is, depends on and has a part in."""
        return {
            file: Seen(
                str(_said_kind(document)),
                tuple(sorted(self.tree.looked_at.get(file, ()))),
                tuple(sorted({file, *self._parts(document, self._values.get(file))})),
            )
            for file, document in self.documents.items()
            if file in self._values
        }

    def _parts(self, document: Document, value: Any) -> Iterator[str]:
        if value is None:
            return
        match _said_kind(document):
            case "prompt":
                yield from (file for message in value.messages for file in message.files)
                yield from (example.location.file for example in value.examples)
            case "suite":
                yield from (value.golden.path, *value.golden.files)
            case "corpus":
                from tetrad.loading.documents import documents_of

                yield from (file for _, file in documents_of(self.tree, value.documents))

    # -- building

    def build(self, file: str, asked_at: Location | None = None) -> Any:
        """The value of a component's file; None where it cannot be built, which is reported."""
        if file not in self._values:
            self._values[file] = None
            self._under_way.append(file)
            try:
                with self.tree.watched(file):
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
        fields = Fields.of(document, reference_of(file))
        problems = self._schema_problems(document, kind)
        if problems:
            return self._sound_parts(fields, kind, problems)
        if kind == "prompt" and "extends" in fields.values:
            fields = self._extended(fields)
        before = self._issues_of[file]
        value = _builder(kind)(fields, self)
        if kind != "waivers" and self._issues_of[file] > before:
            raise NotBuilt
        return value

    def _sound_parts(self, fields: Fields, kind: str, problems: Sequence[Problem]) -> Any:
        """What an ill file names is looked up all the same, and of waivers the others count."""
        from tetrad.loading.named_files import Unsound, follow_references

        followed = follow_references(fields, self, kind, problems)
        if kind == "waivers":
            return tuple(line for line in followed if line is not None)
        if kind == "prompt" and ("extends",) not in Unsound(problems):
            self._over_bases(fields)
        raise NotBuilt

    def _parse(self, file: str, asked_at: Location) -> Document:
        if file not in self.documents:
            data = self.tree.read(file, asked_at)
            self.documents[file] = self.parsed.document(file, data, parse)
        return self.documents[file]

    def _kind(self, document: Document) -> str:
        """The kind that a document says it is."""
        kind = _said_kind(document)
        if kind not in KINDS:
            self._without_kind[document.origin] = _no_kind(document, kind)
            raise NotBuilt
        return str(kind)

    def _schema_problems(self, document: Document, kind: str) -> tuple[Problem, ...]:
        problems = tuple(check_value(document.value, kind))
        self.report(*(issue_of(document, problem) for problem in problems))
        return problems

    def _extended(self, fields: Fields) -> Fields:
        """A prompt's keys laid over those of the prompts that it extends."""
        fields = self._over_bases(fields)
        if "messages" not in fields.values:
            message = "no prompt that this one extends has messages"
            raise SpecError([fields.issue(("extends",), message, "add messages:", at_key=True)])
        return fields

    def _over_bases(self, fields: Fields) -> Fields:
        from tetrad.loading.named_files import Unsound

        chain = [fields.document.origin]
        whole = True
        while "extends" in fields.values:
            file = self._base(fields, chain)
            document = self._parse(file, fields.at(("extends",)))
            problems = self._schema_problems(document, self._kind(document))
            if ("extends",) in Unsound(problems):
                raise NotBuilt
            whole = whole and not problems
            chain.append(file)
            own = {k: v for k, v in fields.values.items() if k != "extends"}
            base = Fields.of(document, reference_of(file))
            fields = Fields(fields.ref, fields.document, own, fields.given_by).over(base)
        if not whole:
            raise NotBuilt
        return fields

    def _base(self, fields: Fields, chain: list[str]) -> str:
        """The file of the prompt that a prompt extends."""
        path = ("extends",)
        file = self.names(fields, path, "prompt")
        if file is None:
            raise NotBuilt
        if file in chain:
            loop = " → ".join(reference_of(f) for f in [*chain[chain.index(file) :], file])
            message = f"these prompts extend each other: {loop}"
            raise SpecError([fields.issue(path, message, "remove one extends:", code="SCH107")])
        return file

    # -- what the builders ask for

    def report(self, *issues: Issue) -> None:
        for issue in issues:
            written = str(issue)
            if written not in self._issues:
                self._issues[written] = issue
                self._issues_of[issue.location.file] += issue.blocks == "load"

    def report_at(self, location: Location, message: str, hint: str) -> None:
        self.report(Issue(location=location, message=message, hint=hint))

    def prompt(self, fields: Fields, path: Path) -> Prompt | None:
        prompt: Prompt | None = self._resolve("prompt", fields, path)
        return prompt

    def model(self, fields: Fields, path: Path) -> Model | None:
        model: Model | None = self._resolve("model", fields, path)
        return model

    def embedder(self, fields: Fields, path: Path) -> Model | None:
        from tetrad.model import TorchEngine

        model = self.model(fields, path)
        if model is not None and not isinstance(model.engine, TorchEngine):
            message = (
                f"{model.ref} cannot embed: only a model of `engine: {{torch: …}}` can, for now"
            )
            self.report(fields.issue(path, message, "name an embedding model that runs on torch"))
        return model

    def corpus(self, fields: Fields, path: Path) -> Corpus | None:
        corpus: Corpus | None = self._resolve("corpus", fields, path)
        return corpus

    def tool(self, fields: Fields, path: Path) -> Tool | None:
        tool: Tool | None = self._resolve("tool", fields, path)
        return tool

    def stack(self, fields: Fields, path: Path) -> Stack | None:
        stack: Stack | None = self._resolve("stack", fields, path)
        return stack

    def golden(
        self,
        fields: Fields,
        path: Path,
        arrays: frozenset[str] | None,
        opens: Sequence[OpenedFile] = (),
    ) -> GoldenFile | None:
        found = self.data(fields, path, str(fields.value(path)))
        if found is None:
            return None

        from tetrad.golden import load_golden

        def load(file: str, data: bytes) -> GoldenFile:
            tree = self.tree
            return load_golden(
                file, data, tree.read, tree.glob, modules=self.modules, opens=opens, arrays=arrays
            )

        loaded = self.parsed.golden(*found, arrays, load)
        self.report(*loaded.issues)
        self.documents.update(loaded.documents)
        return loaded

    def data(
        self, fields: Fields, path: Path, written: str, *, from_root: bool = False
    ) -> tuple[str, bytes] | None:
        """A file beside the component that names it, or from the root where none lies there."""
        origin = fields.source(path).origin
        return self._named(origin, fields.at(path), json_path(path), written, from_root=from_root)

    def included(self, origin: str, at: Location, written: str) -> tuple[str, bytes] | None:
        return self._named(origin, at, "$", written)

    def _named(
        self, origin: str, at: Location, where: str, written: str, *, from_root: bool = False
    ) -> tuple[str, bytes] | None:
        try:
            file = normalised(written, origin)
            if not from_root and not written.startswith(("./", "../")):
                beside = normalised(f"./{written}", origin)
                file = beside if self.tree.has(beside) or not self.tree.has(file) else file
            data = self.tree.read(file, at)
        except ReferenceRefused as error:
            self.report(Issue(location=at, message=str(error), code="SCH107", path=where))
            return None
        except SpecError as error:
            self.report(*(replace(issue, path=where) for issue in error.issues))
            return None
        self._data.add(file)
        return file, data

    def _resolve(self, kind: Kind, fields: Fields, path: Path) -> Any:
        file = self.names(fields, path, kind)
        if file is None:
            return None
        if file in self._under_way:
            loop = " → ".join(reference_of(f) for f in [*self._under_way, file])
            message = f"this reference leads back here: {loop}"
            self.report(fields.issue(path, message, "remove one of them", code="SCH107"))
            return None
        return self.build(file, fields.at(path))

    def names(self, fields: Fields, path: Path, kind: str, *, at_key: bool = False) -> str | None:
        def refuse(message: str, hint: str) -> None:
            self.report(fields.issue(path, message, hint, code="SCH107", at_key=at_key))

        written = str(path[-1] if at_key else fields.value(path))
        try:
            ref = reference(written, fields.source(path).origin)
        except ReferenceRefused as error:
            refuse(f"{written!r} is not a reference", str(error))
            return None
        found = next((file for file in candidates(ref) if self.tree.has(file)), None)
        if found is None:
            file = f"{ref}/suite.yaml" if kind == "suite" else f"{ref}.yaml"
            create = f"create {file}, or correct the path"
            hint = did_you_mean(ref, self.tree.references(kind), create)
            refuse(f"there is no file {file}", hint)
            return None
        said = self._kind_of(found, fields.at(path))
        if said not in {None, kind}:
            hint = did_you_mean(ref, self.tree.references(kind))
            refuse(f"{ref} is {_with_article(said)}, not {_with_article(kind)}", hint)
            return None
        return found

    def _kind_of(self, file: str, asked_at: Location) -> str | None:
        """What a component says it is; None where it says nothing that is known."""
        try:
            said = _said_kind(self._parse(file, asked_at))
        except SpecError as error:
            self.report(*error.issues)
            return None
        return said if said in KINDS else None


@cache
def _builder(kind: str) -> Callable[[Fields, Context], Any]:
    """Imported for a kind that there is: a rollback reads an environment's file alone."""
    built: Callable[[Fields, Context], Any] = getattr(
        import_module(f"tetrad.loading.build_{kind}"), f"build_{kind}"
    )
    return built


def _said_kind(document: Document) -> Any:
    return document.value.get("kind") if isinstance(document.value, dict) else None


def _no_kind(document: Document, kind: Any) -> Issue:
    known = ", ".join(KINDS)
    if isinstance(kind, str):
        hint = did_you_mean(kind, KINDS, f"kinds are {known}")
        return Issue(
            location=document.at(("kind",)),
            message=f"unknown kind {kind!r}",
            hint=hint,
            path="$.kind",
        )
    message = "this file does not say what it is"
    hint = f"begin it with kind: and one of {known}"
    return Issue(location=document.at(()), message=message, hint=hint)


def _with_article(kind: str | None) -> str:
    if kind == "waivers":
        return "a list of waivers"
    return f"{'an' if kind == 'environment' else 'a'} {kind}"
