"""A golden set's file, by its ending, as cases with unique ids."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from tetrad.errors import Issue, Location, SpecError
from tetrad.spec.golden.cases import build_case
from tetrad.spec.golden.digest import golden_digest
from tetrad.spec.jsonl import json_lines
from tetrad.spec.model import Case, GoldenSet
from tetrad.spec.parse import GOLDEN_SET, Document, Path, parse
from tetrad.spec.schema import check_value, issue_at, issue_of


@dataclass(frozen=True, kw_only=True, slots=True)
class GoldenFile:
    """What a golden set's file gave: cases, issues, and the document where it is YAML."""

    golden: GoldenSet
    issues: tuple[Issue, ...] = ()
    document: Document | None = None


def load_golden(path: str, data: bytes) -> GoldenFile:
    """The cases of a file; what cannot be read is an issue, and the others are still there."""
    issues: list[Issue] = []
    document: Document | None = None
    try:
        if path.endswith(".jsonl"):
            cases = list(_from_lines(path, data, issues))
        else:
            document = parse(data, path, limits=GOLDEN_SET, anchors=True)
            cases = list(_from_document(document, issues))
    except SpecError as error:
        issues += error.issues
        cases = []
    unique = tuple(_with_unique_ids(cases, issues))
    golden = GoldenSet(path=path, cases=unique, digest=golden_digest(unique))
    return GoldenFile(golden=golden, issues=tuple(issues), document=document)


def _from_lines(path: str, data: bytes, issues: list[Issue]) -> Iterator[Case]:
    for location, raw in json_lines(data, path):
        problems = list(check_value(raw, "golden", "case"))
        if problems:
            issues += [issue_at(location, problem) for problem in problems]
            continue

        def locate(_: Path, at: Location = location) -> Location:
            return at

        yield build_case(raw, locate, issues.append)


def _from_document(document: Document, issues: list[Issue]) -> Iterator[Case]:
    problems = list(check_value(document.value, "golden"))
    if problems:
        issues += [issue_of(document, problem) for problem in problems]
        return
    raws: list[Any] = document.value
    for number, raw in enumerate(raws):
        yield build_case(raw, document.at, issues.append, (number,))


def _with_unique_ids(cases: Iterable[Case], issues: list[Issue]) -> Iterator[Case]:
    seen: dict[str, Location] = {}
    for case in cases:
        if case.id in seen:
            first = seen[case.id]
            message = f"the id {case.id!r} stands twice; the first is in line {first.line}"
            issues.append(
                Issue(
                    location=case.location,
                    code="GLD983",
                    message=message,
                    hint="give each case an id of its own",
                )
            )
            continue
        seen[case.id] = case.location
        yield case
