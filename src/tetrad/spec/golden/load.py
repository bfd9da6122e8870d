"""A golden set's file, by its ending, as cases with unique ids."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from tetrad.errors import Issue, Location, SpecError
from tetrad.spec.golden.cases import build_case
from tetrad.spec.golden.csv_rows import cases_of_rows
from tetrad.spec.golden.digest import golden_digest
from tetrad.spec.golden.files import Files
from tetrad.spec.golden.promptfoo import (
    cases_of_config,
    default_of,
    expanded,
    with_default,
)
from tetrad.spec.golden.raw import RawCase, Read, cases_of_lines
from tetrad.spec.model import Case, GoldenSet
from tetrad.spec.parse import GOLDEN_SET, Document, parse
from tetrad.spec.schema import check

ENDINGS = (".yaml", ".yml", ".jsonl", ".csv")


@dataclass(frozen=True, kw_only=True, slots=True)
class GoldenFile:
    """What a golden set's file gave: cases, issues, and the YAML documents that hold them."""

    golden: GoldenSet
    issues: tuple[Issue, ...] = ()
    documents: Mapping[str, Document] = field(default_factory=dict)


def load_golden(
    path: str, data: bytes, read: Read, *, arrays: frozenset[str] = frozenset()
) -> GoldenFile:
    """The cases of a file; what cannot be read is an issue, and the other cases are still there.

    `read` gives further files that the golden set names, `arrays` are the variables that take
    lists: a list of texts for any other is promptfoo's short form for several cases.
    """
    named: set[str] = set()

    def remembered(file: str, at: Location) -> bytes:
        named.add(file)
        return read(file, at)

    reader = _Reader(remembered)
    cases = [
        build_case(raw.value, raw.locate, reader.issues.append)
        for source in reader.cases(path, data)
        for raw in expanded(source, path, arrays, remembered, reader.issues.append)
    ]
    unique = tuple(_with_unique_ids(cases, reader.issues))
    golden = GoldenSet(
        path=path, files=tuple(sorted(named)), cases=unique, digest=golden_digest(unique)
    )
    return GoldenFile(
        golden=golden,
        issues=tuple(dict.fromkeys(reader.issues)),  # an expanded case repeats those of its test
        documents=reader.documents,
    )


class _Reader:
    """Reads a golden set and the files that it takes tests from, each once."""

    def __init__(self, read: Read) -> None:
        self._read = read
        self.issues: list[Issue] = []
        self.documents: dict[str, Document] = {}
        self._under_way: list[str] = []

    def cases(self, path: str, data: bytes) -> Iterator[RawCase]:
        self._under_way.append(path)
        try:
            yield from self._cases(path, data)
        except SpecError as error:
            self.issues += error.issues

    def _cases(self, path: str, data: bytes) -> Iterator[RawCase]:
        if path.endswith(".jsonl"):
            yield from cases_of_lines(path, data, self.issues.append)
        elif path.endswith(".csv"):
            yield from cases_of_rows(path, data, self.issues.append)
        else:
            document = parse(data, path, limits=GOLDEN_SET, anchors=True)
            self.documents[path] = document
            issues = check(document, "golden")
            if issues:
                raise SpecError(issues)
            default = default_of(document, self.issues.append)
            for found in cases_of_config(document, self.issues.append):
                cases = [found] if isinstance(found, RawCase) else self._included(*found, path)
                for case in cases:
                    yield case if default is None else with_default(case, default)

    def _included(self, written: str, at: Location, path: str) -> Iterator[RawCase]:
        file = Files(path, self._read, self.issues.append).beside(written, at)
        if file is None:
            return
        if file in self._under_way or not file.endswith(ENDINGS):
            message = f"tests cannot come from {file}"
            hint = f"name a file that ends in {', '.join(ENDINGS)}, each once"
            self.issues.append(Issue(location=at, message=message, hint=hint, code="SCH107"))
            return
        try:
            data = self._read(file, at)
        except SpecError as error:
            self.issues += error.issues
            return
        yield from self.cases(file, data)


def _with_unique_ids(cases: Iterable[Case], issues: list[Issue]) -> Iterator[Case]:
    """An id of our making is numbered where it is taken; one of the user's is reported."""
    seen: dict[str, Location] = {}
    for case in cases:
        unique = case
        if case.id in seen and case.derived:
            number = next(n for n in range(2, len(seen) + 3) if f"{case.id}-{n}" not in seen)
            unique = replace(case, id=f"{case.id}-{number}")
        elif case.id in seen:
            issues.append(_twice(case, seen[case.id]))
            continue
        seen[unique.id] = unique.location
        yield unique


def _twice(case: Case, first: Location) -> Issue:
    return Issue(
        location=case.location,
        code="GLD983",
        message=f"the id {case.id!r} stands twice; the first is in line {first.line}",
        hint="give each case an id of its own",
    )
