"""CSV by promptfoo's conventions: a row a case, a column a variable, `__` columns the rest.

https://www.promptfoo.dev/docs/configuration/test-cases#csv-format; the short forms in `__expected`
are those of promptfoo's `assertionFromString`. The columns `id` and `tags` are ours.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from tetrad.assertions.assertion_type import Cell
from tetrad.assertions.table import TYPES
from tetrad.assertions.values import comma_separated
from tetrad.canonical import with_lf
from tetrad.errors import Issue, Location, SpecError
from tetrad.promptfoo.foreign_keys import refusal
from tetrad.promptfoo.raw import RawCase, Report
from tetrad.promptfoo.schema_checks import checked
from tetrad.promptfoo.unsupported import NOT_YET
from tetrad.schemas.nearest import did_you_mean
from tetrad.yamldoc.csvrows import NotCsv, csv_rows
from tetrad.yamldoc.parse import GOLDEN_SET, decode
from tetrad.yamldoc.scalars import NumberRefused, resolve

_COLUMNS = (
    "__expected", "__description", "__metric", "__threshold", "__metadata:NAME",
    "__config:__expectedN:KEY",
)  # fmt: skip
_SEPARATORS = ((";", "semicolons"), ("\t", "tabs"))  # as spreadsheets write them too
_OURS = frozenset({"id", "tags"})
_METADATA = re.compile(r"__metadata:(.+?)(\[\])?")
_EXPECTED = re.compile(r"__expected(\d*)")
_CONFIG = re.compile(r"__config:__expected(\d*):(threshold)")
_REFUSED = ("__prefix", "__suffix", "__providerOutput")  # where a cell says something
_SHORT = re.compile(
    r"(not-)?(" + "|".join((*TYPES, *NOT_YET)) + r")(?:\((\d+(?:\.\d+)?)\))?(?::(.*))?",
    re.DOTALL,
)
_PROGRAM = re.compile(r"file://.*\.(py|js|ts|cjs|mjs|cts|mts)(?::|$)")
_LONG_NAMES = [name for name in TYPES if len(name) > len("cost")]
_PREFIXES: Mapping[str, str] = {
    "javascript:": "javascript",
    "fn:": "javascript",
    "eval:": "javascript",
    "grade:": "llm-rubric",
}


def cases_of_rows(path: str, data: bytes, report: Report) -> Iterator[RawCase]:
    """Every row as a case; the first row names the columns."""
    text = decode(with_lf(data), path, GOLDEN_SET)
    rows = csv_rows(text)
    try:
        names = [name.strip() for name in next(rows, (1, []))[1]]
        _check_columns(names, path)
        refused = {n: name for n, name in enumerate(names) if name in _REFUSED}
        for line, row in rows:
            location = Location(path, line)
            for number in [n for n in refused if row[n:] and row[n].strip()]:
                report(_refused(refused.pop(number), location))
            if row:
                yield from _case(names, row, location, report)
    except NotCsv as error:
        message = f"invalid CSV: {error}"
        hint = "put a cell that holds quotes or line breaks in quotes, and double the quotes in it"
        location = Location(path, error.line)
        raise SpecError([Issue(location=location, message=message, hint=hint)]) from None


def _refused(column: str, location: Location) -> Issue:
    """The issue of the first cell of a column that promptfoo reads, and we do not."""
    message, hint = refusal(column.removeprefix("__"))
    return Issue(location=location, message=f"{column!r}: {message}", hint=hint)


def _check_columns(names: list[str], path: str) -> None:
    marks = [word for mark, word in _SEPARATORS if len(names) == 1 and mark in names[0]]
    if marks:
        message = f"the columns are separated by {marks[0]}"
        hint = "save it with commas between the cells"
        raise SpecError([Issue(location=Location(path), message=message, hint=hint)])
    expected = sum(map(_is_expected, names))
    before: set[str] = set()
    issues: list[Issue] = []
    for name in names:
        message, hint = _column_problem(name, expected)
        if name in before:
            message, hint = f"duplicate column {name!r}", "keep one of the two"
        if message:
            issues.append(Issue(location=Location(path), message=message, hint=hint))
        before.add(name)
    if issues:
        raise SpecError(issues)


def _column_problem(name: str, expected: int) -> tuple[str, str]:
    """What is wrong with a column by itself, among as many that say what is expected."""
    if name.startswith("_") and _is_known(f"_{name}"):
        message = f"the column {name!r} would be a variable"
        return message, f"promptfoo's column has two underscores: _{name}"
    if name.startswith("__") and not _is_known(name):
        hint = did_you_mean(name, _COLUMNS, f"columns with __ are {', '.join(_COLUMNS)}")
        return f"{name!r} is not a known column", hint
    target = _CONFIG.fullmatch(name)
    if target and _place(target[1]) > expected:
        return f"there is no column that {name!r} is for", "__expected columns count from 1"
    return "", ""


def _is_known(name: str) -> bool:
    is_formed = any(form.fullmatch(name) for form in (_METADATA, _EXPECTED, _CONFIG))
    return is_formed or name in _COLUMNS or name in _REFUSED


def _is_expected(name: str) -> bool:
    return _EXPECTED.fullmatch(name) is not None


def _place(number: str) -> int:
    """Which of the `__expected` columns is meant; without a number the first."""
    return int(number or 1)


def _case(
    names: list[str], row: list[str], location: Location, report: Report
) -> Iterator[RawCase]:
    if len(row) != len(names):
        message = f"this row has {len(row)} cells, the first one {len(names)}"
        hint = "put a cell that holds a comma in quotes"
        report(Issue(location=location, message=message, hint=hint))
        return
    try:
        raw = _raw(dict(zip(names, row, strict=True)))
    except NumberRefused as error:
        report(Issue(location=location, code="SCH105", message=str(error)))
        return
    except ValueError as error:
        hint = "write quotes around a tag that holds a comma, and double the quotes in it"
        report(Issue(location=location, message=f"in the tags, {error}", hint=hint))
        return
    yield from checked(raw, location, report)


def _raw(cells: Mapping[str, str]) -> dict[str, Any]:
    filled = {name: cell for name, cell in cells.items() if cell.strip()}
    raw: dict[str, Any] = {
        "vars": {n: cell for n, cell in cells.items() if n not in _OURS and n[:2] != "__"},
        "assert": _assertions(cells),
        "metadata": {
            match[1]: _metadata_list(cell) if match[2] else cell
            for name, cell in filled.items()
            if (match := _METADATA.fullmatch(name))
        },
        "tags": list(comma_separated(cells.get("tags", ""))),
    }
    for name, key in (("id", "id"), ("__description", "description")):
        if name in filled:
            raw[key] = filled[name]
    threshold = _number(filled.get("__threshold", "0"))
    if threshold != 0:  # promptfoo takes a 0 for an empty cell; else every answer would pass
        raw["threshold"] = threshold
    return raw


def _assertions(cells: Mapping[str, str]) -> list[dict[str, Any]]:
    """One for each `__expected` column that has something in this row."""
    thresholds = {
        _place(match[1]): _number(cell)
        for name, cell in cells.items()
        if (match := _CONFIG.fullmatch(name)) and cell.strip()
    }
    metric = cells.get("__metric", "").strip()
    common = {"metric": metric} if metric else {}
    return [
        {
            **assertion_from_text(cell.strip()),
            **({"threshold": thresholds[place]} if place in thresholds else {}),
            **common,
        }
        for place, cell in enumerate((c for n, c in cells.items() if _is_expected(n)), 1)
        if cell.strip()
    ]


def assertion_from_text(text: str) -> dict[str, Any]:
    """The assertion that a cell of `__expected` means; equality where it has no short form."""
    for prefix, name in _PREFIXES.items():
        if text.startswith(prefix):
            return {"type": name, "value": text.removeprefix(prefix).strip()}
    program = _PROGRAM.match(text)
    if program:
        return {"type": "python" if program[1] == "py" else "javascript", "value": text}
    short = _SHORT.fullmatch(text)
    if short is None:
        head, colon, rest = text.partition(":")
        word = head.partition("(")[0]
        is_typo = colon and _is_nearly_a_type(word)
        return {"type": word, "value": rest} if is_typo else {"type": "equals", "value": text}
    written, name, value = f"{short[1] or ''}{short[2]}", short[2], (short[4] or "").strip()
    cell = TYPES[name].cell if name in TYPES else Cell()
    assertion: dict[str, Any] = {"type": written}
    if short[4] is not None:
        assertion["value"] = _items(value) if cell.is_list else value
    threshold = float(short[3]) if short[3] else cell.threshold
    if threshold is not None:
        assertion["threshold"] = threshold
    return assertion


def _items(value: str) -> list[str] | str:
    """The items of a list in a cell; the text itself where it is none, which its check reports."""
    try:
        return list(comma_separated(value))
    except ValueError:
        return value


@lru_cache(maxsize=1000)
def _is_nearly_a_type(word: str) -> bool:
    """Whether a word is so near to a type that promptfoo's reading, a text, is no one's wish."""
    import difflib

    if not re.fullmatch(r"[a-zA-Z_-]{4,30}", word):
        return False
    return bool(difflib.get_close_matches(word.removeprefix("not-"), _LONG_NAMES, cutoff=0.84))


def _metadata_list(cell: str) -> list[str]:
    """A list within a cell of metadata, where promptfoo takes a backslash before a comma."""
    return [item.strip().replace(r"\,", ",") for item in re.split(r"(?<!\\),", cell)]


def _number(cell: str) -> Any:
    return resolve(cell.strip())
