"""A golden set's file and the files that it takes tests from, as cases one by one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

from tetrad.errors import Issue, Location, SpecError
from tetrad.promptfoo.file_values import PROGRAMS, PromptfooFiles, parsed
from tetrad.promptfoo.foreign_keys import problems_of_config, repeats_of
from tetrad.promptfoo.raw import RawCase, Read, Report
from tetrad.promptfoo.resolved_tests import laid_over, resolved, with_default
from tetrad.promptfoo.respelled import RespelledNumbers, issues_of_line
from tetrad.promptfoo.schema_checks import checked, problems_of
from tetrad.schemas.check import issue_of
from tetrad.yamldoc.jsonl import json_lines
from tetrad.yamldoc.parse import GOLDEN_SET, Document, Path

DOCUMENTS = (".yaml", ".yml", ".json")
ENDINGS = (*DOCUMENTS, ".jsonl", ".csv")
_MAX_TIMES = 100  # a file that is named twice by one that is named twice is read four times


class Reader:
    """Reads a golden set and the files that it takes tests from, as often as they are named."""

    def __init__(self, read: Read, files: PromptfooFiles) -> None:
        self._read = read
        self._files = files
        self._under_way: list[str] = []  # files that name each other, outermost first
        self.documents: dict[str, Document] = {}
        self._ill: set[tuple[str, Path]] = set()  # tests that the schema refuses
        self.ill_ids: set[str] = set()
        self._times: Counter[str] = Counter()  # that a file is included
        self.is_whole = True  # but for those with these ids
        self.is_config = False  # whether promptfoo would run templates in the variables

    def cases(self, path: str, data: bytes) -> Iterator[RawCase]:
        try:
            yield from self._cases(path, data)
        except SpecError as error:
            self._report(error.issues)

    def _cases(self, path: str, data: bytes) -> Iterator[RawCase]:
        included = bool(self._under_way)
        with self._inside(path):
            if path.endswith((".jsonl", ".csv")):
                for case in self._of_lines(path, data):
                    yield resolved(case, {}, self._files)
            else:
                yield from self._of_document(path, data, included=included)

    def _of_document(self, path: str, data: bytes, *, included: bool) -> Iterator[RawCase]:
        document = self._document(path, data)
        value = document.value
        if isinstance(value, list):
            if self._has_tests(document, ()):
                yield from self._tests(document, ())
        elif refusal := _why_no_golden_set(document, included=included):
            self._report([refusal])
        elif included and isinstance(value, Mapping) and "tests" not in value:
            if self._is_sound(document, "case"):
                yield self._test(document, ())
        elif self._has_tests(document, ("tests",)):
            yield from self._config(document)

    def _of_lines(self, path: str, data: bytes) -> Iterator[RawCase]:
        def report(issue: Issue) -> None:
            self._report([issue])

        if path.endswith(".jsonl"):
            return _cases_of_lines(path, data, report)
        from tetrad.promptfoo.csv_rows import cases_of_rows

        return cases_of_rows(path, data, report)

    def _config(self, document: Document) -> Iterator[RawCase]:
        value = document.value
        self.is_config = True
        self._report(issue_of(document, problem) for problem in problems_of_config(value))
        default = self._default(document)
        for case in self._tests(document, ("tests",)) if "tests" in value else ():
            yield with_default(case, default)
        for case in self._scenarios(document, ("scenarios",)) if "scenarios" in value else ():
            yield with_default(case, default)

    def _default(self, document: Document) -> RawCase:
        """What a config lays under all of its tests."""
        value = document.value
        repeats = repeats_of(value)
        case = RawCase({"assert": []}, lambda inner: document.at(("defaultTest", *inner)))
        written = value.get("defaultTest")
        if isinstance(written, str):
            at = document.at(("defaultTest",))
            for file in self._sources(written, at, DOCUMENTS):
                for named in self._parsed(file, at):
                    if self._is_sound(named, "case"):
                        case = self._test(named, (), default=True)
        elif written is not None:
            case = self._test(document, ("defaultTest",), default=True)
        return RawCase({"repeats": repeats, **case.value}, case.locate) if repeats else case

    def _tests(self, document: Document, at: Path) -> Iterator[RawCase]:
        """The tests that stand in a list, or in the files that it or one text names."""
        written = document.node(at).value
        if isinstance(written, str):
            yield from self._included(written, document.at(at))
            return
        for number, test in enumerate(written):
            place = (*at, number)
            if (document.origin, place) in self._ill:
                continue
            if isinstance(test, str):
                yield from self._included(test, document.at(place))
            else:
                yield self._test(document, place)

    def _test(self, document: Document, at: Path, *, default: bool = False) -> RawCase:
        known: dict[Path, Location] = {}  # the same places are asked for at every step

        def locate(inner: Path) -> Location:
            if inner not in known:
                known[inner] = document.at((*at, *inner))
            return known[inner]

        value = document.value
        templates = value.get("assertionTemplates", {}) if isinstance(value, dict) else {}
        case = RawCase(document.node(at).value, locate)
        return resolved(case, templates, self._files, default=default)

    def _scenarios(self, document: Document, at: Path) -> Iterator[RawCase]:
        """Every test of a scenario on every row of its data."""
        for number, scenario in enumerate(document.node(at).value):
            place = (*at, number)
            if isinstance(scenario, str):
                for file in self._sources(scenario, document.at(place), DOCUMENTS):
                    with self._inside(file):
                        for named in self._parsed(file, document.at(place)):
                            yield from self._scenarios_of(named)
            else:
                yield from self._scenario(document, place)

    def _scenarios_of(self, document: Document) -> Iterator[RawCase]:
        """Those of a file, which holds one of them or a list."""
        if isinstance(document.value, list):
            if self._is_sound(document, "scenarios"):
                yield from self._scenarios(document, ())
        elif self._is_sound(document, "scenario"):
            yield from self._scenario(document, ())

    def _scenario(self, document: Document, at: Path) -> Iterator[RawCase]:
        value = document.node(at).value
        tests = list(self._tests(document, (*at, "tests"))) if "tests" in value else []
        for number in range(len(value["config"])):
            row = self._test(document, (*at, "config", number))
            for test in tests:
                yield laid_over(test, row)

    def _document(self, path: str, data: bytes) -> Document:
        if path not in self.documents:
            self.documents[path] = parsed(data, path, GOLDEN_SET, anchors=True)
            for issue in self._files.respelled.of_golden_set(self.documents[path]):
                self._files.report(issue)
        return self.documents[path]

    def _included(self, written: str, at: Location) -> Iterator[RawCase]:
        refused = _why_not_tests(written)
        if refused:
            hint = "write the tests to a .jsonl or .csv file, and name that"
            self._report([Issue(location=at, message=refused, hint=hint, code="SCH107")])
            return
        for file in self._sources(written, at, ENDINGS):
            for data in self._bytes(file, at):
                yield from self.cases(file, data)

    def _sources(self, written: str, at: Location, endings: tuple[str, ...]) -> Iterator[str]:
        """The files that a name means; one that holds no tests, or includes itself, is reported."""
        for file in self._files.of(at.file).named(written, at):
            if file not in self._under_way and file.endswith(endings):
                yield file
                continue
            if file in self._under_way:
                message, hint = f"{file} includes itself", "leave this file out of its own tests"
            else:
                message = f"tests cannot come from {file}"
                hint = f"name a file that ends in {', '.join(endings)}"
            self._report([Issue(location=at, message=message, hint=hint, code="SCH107")])

    def _parsed(self, file: str, at: Location) -> Iterator[Document]:
        for data in self._bytes(file, at):
            try:
                document = self._document(file, data)
            except SpecError as error:
                self._report(error.issues)
                return
            yield document

    @contextmanager
    def _inside(self, file: str) -> Iterator[None]:
        """Marks a file as one that those it names must not name again."""
        self._under_way.append(file)
        try:
            yield
        finally:
            self._under_way.pop()

    def _bytes(self, file: str, at: Location) -> Iterator[bytes]:
        """The file's bytes; nothing where it cannot be read, which is reported."""
        self._times[file] += 1
        if self._times[file] > _MAX_TIMES:
            if self._times[file] == _MAX_TIMES + 1:
                message = f"{file} is included more than {_MAX_TIMES} times"
                self._report([Issue(location=at, message=message, code="SCH101")])
            return
        try:
            data = self._read(file, at)
        except SpecError as error:
            self._report(error.issues)
            return
        yield data

    def _is_sound(self, document: Document, definition: str) -> bool:
        problems = problems_of(document, self._files.report, definition)
        self._report(issue_of(document, problem) for problem in problems)
        return not problems

    def _has_tests(self, document: Document, at: Path) -> bool:
        """Whether tests can be read but for those that are none, which are reported."""
        problems = problems_of(document, self._files.report)
        depth = len(at) + 1
        if any(len(p.path) < depth or p.path[: len(at)] != at for p in problems):
            self._report(issue_of(document, problem) for problem in problems)
            return False
        for problem in problems:
            self._files.report(issue_of(document, problem))
            self._leave_out(document, problem.path[:depth])
        return True

    def _leave_out(self, document: Document, place: Path) -> None:
        self._ill.add((document.origin, place))
        test = document.node(place).value
        written = test.get("id") if isinstance(test, Mapping) else None
        if isinstance(written, str):
            self.ill_ids.add(written)
        else:
            self.is_whole = False

    def _report(self, issues: Iterable[Issue]) -> None:
        """Report what keeps cases from being read."""
        for issue in issues:
            self.is_whole = False
            self._files.report(issue)


def _why_not_tests(written: str) -> str:
    scheme, mark, _ = written.partition("://")
    if mark and scheme != "file":
        return f"promptfoo fetches tests from {scheme}://, and nothing is fetched here"
    if written.removeprefix("file://").partition(":")[0].endswith(PROGRAMS):
        return "promptfoo lets this program make the tests, and it is not run"
    return ""


def _why_no_golden_set(document: Document, *, included: bool) -> Issue | None:
    """The issue of a file that is written as something else; None where the schema says what is."""
    value, at = document.value, document.at(())
    if value is None:
        message = "this golden set is empty"
    elif _is_written_as_component(value):
        key = "cases" if "cases" in value else "kind"
        at = document.key_at((key,))
        message = "a golden set has no kind and no keys: it is a list of cases"
    elif not included and _is_one_case(value):
        message = "a golden set is a list of cases, and this is a mapping"
    else:
        return None
    hint = "begin the file with the first case: - id: …"
    return Issue(location=at, message=message, hint=hint)


def _is_written_as_component(value: object) -> bool:
    """Every other file of ours has a kind, so people give golden sets one."""
    return isinstance(value, Mapping) and (
        value.get("kind") == "golden"
        or (isinstance(value.get("cases"), list) and "tests" not in value)
    )


def _is_one_case(value: object) -> bool:
    """Whether the dash was left out before the only case."""
    is_config = isinstance(value, Mapping) and value.keys() & {"tests", "scenarios"}
    return isinstance(value, Mapping) and not is_config and bool(value.keys() & {"vars", "assert"})


def _cases_of_lines(path: str, data: bytes, report: Report) -> Iterator[RawCase]:
    """JSON Lines, read one at a time; a line that is no case is reported and left out."""
    lines = data.split(b"\n")
    numbers = RespelledNumbers()
    for location, value in json_lines(data, path, report):
        for case in checked(value, location, report):
            line = lines[location.line - 1]
            for issue in issues_of_line(line, location, numbers.of_golden_set):
                report(issue)
            yield case
