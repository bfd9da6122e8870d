"""A golden set's file, by its ending, as cases with unique ids."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import count

from tetrad.errors import Issue, Location
from tetrad.golden.build_case import Locate, build_case
from tetrad.golden.digest import golden_digest
from tetrad.model import Case, GoldenSet
from tetrad.modules import Modules, OpenedFile
from tetrad.promptfoo.code import CodeFiles
from tetrad.promptfoo.expansion import expanded, is_texts
from tetrad.promptfoo.file_values import PromptfooFiles
from tetrad.promptfoo.raw import Glob, Read
from tetrad.promptfoo.reader import Reader
from tetrad.promptfoo.respelled import RespelledNumbers
from tetrad.yamldoc.parse import Document

DUPLICATE_ID = "GLD987"  # the rule that reports it
_GATE = "gate"  # what pytest and JUnit call the decision about the suite, beside its cases


@dataclass(frozen=True, kw_only=True, slots=True)
class GoldenFile:
    """What a golden set's file gave: cases, issues, and the YAML documents that hold them."""

    golden: GoldenSet
    issues: tuple[Issue, ...] = ()
    documents: Mapping[str, Document] = field(default_factory=dict)
    places: Mapping[str, Locate] = field(default_factory=dict)  # of a case's parts, by its id
    ill_ids: frozenset[str] = frozenset()  # of cases that are left out
    is_whole: bool = True  # whether no other id can be one of its cases
    is_alone: bool = False  # whether nothing was looked at but the file itself


class _Followed:
    """Reads the files that a golden set names, and remembers which."""

    def __init__(self, read: Read, glob: Glob) -> None:
        self.named: set[str] = set()
        self.patterns: list[str] = []
        self._read = read
        self._glob = glob

    def read(self, file: str, at: Location) -> bytes:
        self.named.add(file)
        return self._read(file, at)

    def glob(self, pattern: str) -> Iterable[str]:
        self.patterns.append(pattern)
        return self._glob(pattern)


def load_golden(
    path: str,
    data: bytes,
    read: Read,
    glob: Glob,
    *,
    modules: Modules,
    opens: Sequence[OpenedFile] = (),
    arrays: frozenset[str] | None = frozenset(),
) -> GoldenFile:
    """The cases of a file; what cannot be read is an issue, and the other cases are still there.

    `read` gives further files that the golden set names, `glob` those that fit a pattern, `modules`
    what Python code in it imports, `opens` what this declares to open. `arrays` are the variables
    that take lists: a list of texts for any other is promptfoo's short form for several cases; None
    where they are unknown.
    """
    followed = _Followed(read, glob)
    issues: list[Issue] = []
    code = CodeFiles(modules, opens)
    numbers = RespelledNumbers()
    files = PromptfooFiles(path, followed.read, followed.glob, issues.append, code, numbers)
    reader = Reader(followed.read, files)
    sources = reader.cases(path, data)
    raws = (r for s in sources for r in expanded(s, files, arrays, templates=reader.is_config))
    built = [(build_case(raw.value, raw.locate, issues.append), raw.locate) for raw in raws]
    placed = list(_with_unique_ids(built, issues))
    unique = tuple(case for case, _ in placed)
    return GoldenFile(
        golden=GoldenSet(
            path=path,
            files=tuple(
                sorted(followed.named.union(*code.files.values(), (one.file for one in opens)))
            ),
            code=dict(sorted(code.files.items())),
            opens=tuple(opens),
            cases=unique,
            digest=golden_digest(unique),
        ),
        issues=tuple(dict.fromkeys(issues)),  # an expanded case repeats those of its test
        documents=reader.documents,
        places={case.id: locate for case, locate in placed},
        ill_ids=frozenset(reader.ill_ids),
        is_whole=reader.is_whole and not (arrays is None and any(map(_has_lists, unique))),
        is_alone=not (followed.named or followed.patterns or code.looked),
    )


def _has_lists(case: Case) -> bool:
    """Whether a case may stand for several, by variables of which not all take lists."""
    return any(map(is_texts, case.vars.values()))


def _with_unique_ids(
    cases: Iterable[tuple[Case, Locate]], issues: list[Issue]
) -> Iterator[tuple[Case, Locate]]:
    """An id of our making is numbered where it is taken; one of the user's is reported."""
    seen: dict[str, Location] = {}
    free: dict[str, int] = {}  # by derived id: numbers below are taken
    for case, locate in cases:
        unique = case
        is_taken = case.id in seen or case.id == _GATE
        if is_taken and case.derived:
            numbers = count(free.get(case.id, 2))
            number = next(n for n in numbers if f"{case.id}-{n}" not in seen)
            free[case.id] = number + 1
            unique = replace(case, id=f"{case.id}-{number}")
        elif is_taken:
            first = seen.get(case.id)
            issues.append(_of_the_gate(case) if first is None else _twice(case, first))
            continue
        seen[unique.id] = unique.location
        yield unique, locate


def _of_the_gate(case: Case) -> Issue:
    return Issue(
        location=case.location,
        code=DUPLICATE_ID,
        message=f"the id {_GATE!r} is the name of the suite's own result in pytest and JUnit",
        hint="give the case another id",
    )


def _twice(case: Case, first: Location) -> Issue:
    return Issue(
        location=case.location,
        code=DUPLICATE_ID,
        message=f"duplicate id {case.id!r}; the first is in line {first.line}",
        hint="give each case an id of its own",
    )
