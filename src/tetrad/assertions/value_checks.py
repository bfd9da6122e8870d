"""What is wrong with an assertion as it is written, type by type; None where nothing is.

Only what stands in the assertion itself: what it needs of a suite or a stack is in `needs`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, NoReturn, TypeAlias

from tetrad.assertions.values import comma_separated
from tetrad.canonical import Json
from tetrad.model import Assertion
from tetrad.text import shorten

_Problem: TypeAlias = Callable[[Json, Assertion], str | None]

_MARKS = ("{{", "{%", "{#")
_MOST_UNFOLDED = 20_000
_CODE = re.compile(r"file://[^:]+\.py(:\w+)?")
# Of a pattern, what means something else in JavaScript; escapes and classes are passed over whole.
_JAVASCRIPT = re.compile(
    r"""\\k<(?P<name>[A-Za-z_$][\w$]*)> | \\. | \[\^?\] | \[(?:\\.|[^\]\\])*+\] | \$""",
    re.VERBOSE | re.DOTALL,
)
_CLASSES = {"[^]": r"[\s\S]", "[]": "(?!)", "$": r"\Z"}
# White space and comments may stand between a part and its count.
_PARTS = re.compile(r"(?P<space>\s|\(\?#[^)]*\))|\{(?P<count>\d+)(?:,\d*)?\}|\\?.", re.DOTALL)


def value_problem(assertion: Assertion, value: Json) -> str | None:
    """Why the assertion cannot be evaluated with a value, its own or that with variables filled in."""
    if is_code(assertion.type, value):
        return None  # what it returns is looked at when it is there
    problem = _PROBLEMS.get(assertion.type)
    return None if problem is None else problem(value, assertion)


def is_code(kind: str, value: Json) -> bool:
    """Whether a Python file's function makes the value of an assertion that is no program itself."""
    return kind != "python" and isinstance(value, str) and _CODE.fullmatch(value) is not None


def is_templated(value: Json) -> bool:
    """Whether a value, or a text of its list, has variables to be filled in."""
    if isinstance(value, str):
        return any(mark in value for mark in _MARKS)
    return isinstance(value, Sequence) and any(
        isinstance(v, str) and is_templated(v) for v in value
    )


@lru_cache(maxsize=4096)
def pattern_of(text: str) -> Any:
    """A compiled regular expression."""
    import regex

    return regex.compile(_from_javascript(text))


def _from_javascript(pattern: str) -> str:
    """The pattern with what JavaScript writes otherwise: names of groups, the classes of nothing
    and of everything, and `$`, which stands at the very end alone.
    """
    return _JAVASCRIPT.sub(_in_python, pattern)


def _in_python(match: re.Match[str]) -> str:
    if match["name"]:
        return f"(?P={match['name']})"
    return _CLASSES.get(match[0], match[0])


@lru_cache(maxsize=256)
def schema_of_value(schema: str) -> Any:
    """A compiled JSON Schema, given as text; it never reads a file or the network for a `$ref`."""
    import jsonschema_rs

    return jsonschema_rs.validator_for(json.loads(schema), retriever=_refuse, validate_formats=True)


def schema_text(value: Json) -> str:
    """The text of a schema that is given as a text or as a mapping."""
    return value if isinstance(value, str) else json.dumps(value, default=dict)


def calls_of(value: Json) -> Sequence[Json]:
    """The calls that `tool-called` lists: one, or several."""
    return value if isinstance(value, Sequence) and not isinstance(value, str) else [value]


def _refuse(uri: str) -> NoReturn:
    raise ValueError(f"a schema may not refer to {uri}")


def _any_value(value: Json, _: Assertion) -> str | None:
    return "needs a `value`" if value is None else None


def _text(value: Json, _: Assertion) -> str | None:
    if isinstance(value, bool) or not isinstance(value, str | int | float) or value == "":
        return "needs a text or a number as `value`"
    return None


def _texts(value: Json, _: Assertion) -> str | None:
    """Texts or numbers in a list, or one text of comma-separated values."""
    if isinstance(value, str):
        try:
            items = comma_separated(value)
        except ValueError as error:
            return f"has a list in which {error}"
        return None if items else "needs a list of texts as `value`"
    if isinstance(value, Sequence) and value:
        if "" in value:
            return "takes no empty text in its list: every answer contains it"
        if all(isinstance(v, str | int | float) and not isinstance(v, bool) for v in value):
            return None
        return "takes texts and numbers in its list"
    return "needs a list of texts as `value`"


def _references(value: Json, assertion: Assertion) -> str | None:
    """One text, or a list of texts of which the best match counts."""
    if isinstance(value, str):
        return _text(value, assertion)
    if isinstance(value, Sequence) and value and all(isinstance(v, str) and v for v in value):
        return None
    return "needs a text, or a list of texts, as `value`"


def _unfolded(pattern: str) -> int:
    """How many parts a pattern has where a count such as {3,9} is written out at its least: so it is
    compiled, and beyond some 100,000 the process ends.

    What looks like a group in a character class is taken for one, which makes it no fewer.
    """
    outer: list[int] = []
    size = last = 0
    for part in _PARTS.finditer(pattern):
        if part["space"]:
            continue
        if part["count"]:
            size += last * (int(part["count"]) - 1)
            last *= int(part["count"])
        elif part[0] == "(":
            outer.append(size)
            size = 0
        elif part[0] == ")":
            last = max(size, 1)
            size = last + (outer.pop() if outer else 0)
        else:
            last = 1
            size += 1
    return size + sum(outer)


def _pattern(value: Json, assertion: Assertion) -> str | None:
    if not isinstance(value, str) or not value:
        return _text(value, assertion)
    import regex

    if _unfolded(value) > _MOST_UNFOLDED:
        return f"is a regular expression whose counts unfold to more than {_MOST_UNFOLDED:,} parts"
    try:
        pattern_of(value)
    except regex.error as error:
        return f"is no regular expression: {error}"
    except RecursionError:
        return "is a regular expression that is nested too deeply"
    return None


def _schema(value: Json, _: Assertion) -> str | None:
    if value is None or value == "":
        return None
    if not isinstance(value, str | bool | Mapping):
        return "needs a JSON Schema as `value`, or none"
    try:
        schema_of_value(schema_text(value))
    except ValueError as error:
        why = " ".join(str(error).split()).partition(" Failed validating")[0]
        return f"has no valid JSON Schema as `value`: {shorten(why, 200)}"
    return None


def _limit(_: Json, assertion: Assertion) -> str | None:
    return "needs a `threshold`" if assertion.threshold is None else None


def _code(value: Json, _: Assertion) -> str | None:
    if not isinstance(value, str) or not value.strip():
        return "needs an expression, a function's body or `file://….py` as `value`"
    return None


def _calls(value: Json, _: Assertion) -> str | None:
    calls = calls_of(value)
    if not calls:
        return "needs the name of a tool as `value`"
    for call in calls:
        named = call.get("tool") if isinstance(call, Mapping) else call
        if not isinstance(named, str) or not named:
            return "needs a tool's name, or a mapping with `tool` and `arguments`, as `value`"
        if isinstance(call, Mapping) and not isinstance(call.get("arguments", {}), Mapping):
            return "needs a mapping as `arguments`"
    return None


def _rubric(value: Json, _: Assertion) -> str | None:
    return None if isinstance(value, str) and value.strip() else "needs a rubric as `value`"


# `context-faithfulness` takes no value.
_PROBLEMS: Mapping[str, _Problem] = {
    "equals": _any_value,
    "contains": _text,
    "icontains": _text,
    "contains-all": _texts,
    "contains-any": _texts,
    "icontains-all": _texts,
    "icontains-any": _texts,
    "starts-with": _text,
    "regex": _pattern,
    "is-json": _schema,
    "contains-json": _schema,
    "similar": _references,
    "rouge-n": _text,
    "bleu": _references,
    "levenshtein": _text,
    "latency": _limit,
    "cost": _limit,
    "python": _code,
    "retrieved": _texts,
    "tool-called": _calls,
    "llm-rubric": _rubric,
}
