"""The filters and tests that a template may use, each bounded in time and memory.

Jinja2's own are taken where their cost is linear; those whose result can be longer than what went
in are written here, with the cap that a rendered message has.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, cast

from jinja2 import Environment, pass_environment
from jinja2 import filters as jinja_filters
from jinja2 import tests as jinja_tests
from jinja2.runtime import Undefined

MAX_CHARS = 1_000_000  # of one rendered message; nothing longer fits a model's window
MAX_INDENT = 64


def shown(value: object) -> object:
    """What `{{ value }}` writes: text as it is, nothing for null, and JSON for all else.

    An undefined value stays what it is, so that writing it raises.
    """
    if isinstance(value, str | Undefined):
        return value
    return "" if value is None else tojson(value)


def tojson(value: object, indent: int | None = None) -> str:
    """Plain JSON: a prompt is no web page, so `<` stays `<` and `é` stays `é`."""
    if indent is not None and not 0 <= indent <= MAX_INDENT:
        raise ValueError(f"tojson takes an indent from 0 to {MAX_INDENT}")
    encoder = json.JSONEncoder(ensure_ascii=False, indent=indent, default=plain)
    if indent is None:
        text = encoder.encode(value)
        check_size(len(text))
        return text
    pieces: list[str] = []
    size = 0
    for piece in encoder.iterencode(value):  # indents can make gigabytes of a deep list
        size += len(piece)
        check_size(size)
        pieces.append(piece)
    return "".join(pieces)


def default(value: object, otherwise: object = "", boolean: object = False) -> object:
    """`otherwise` for what is undefined or null, and with `boolean` for all that is false."""
    missing = isinstance(value, Undefined) or value is None
    return otherwise if missing or (boolean and not value) else value


def join(values: Iterable[object], separator: str = "", attribute: str | None = None) -> str:
    if not isinstance(separator, str):
        raise TypeError("join takes a text to write between the items")
    items = [_item(value, attribute) for value in values] if attribute else list(values)
    texts = [str(shown(item)) for item in items]
    check_size(sum(map(len, texts)) + len(separator) * max(len(texts) - 1, 0))
    return separator.join(texts)


def replace(text: object, old: str, new: str, count: int = -1) -> str:
    whole = str(shown(text))
    found = whole.count(old) if count < 0 else min(count, whole.count(old))
    check_size(len(whole) + found * (len(new) - len(old)))
    return whole.replace(old, new, count)


def indent(text: object, width: int = 4, first: object = False, blank: object = False) -> str:
    """Each line but the first moved right by `width` blanks; blank lines only with `blank`."""
    if not 0 <= width <= MAX_INDENT:
        raise ValueError(f"indent takes a width from 0 to {MAX_INDENT}")
    head, *rest = str(shown(text)).split("\n")
    margin = " " * width
    moved = [margin + line if line or blank else line for line in rest]
    result = "\n".join([margin + head if first else head, *moved])
    check_size(len(result))
    return result


@pass_environment
def truncate(
    environment: Environment,
    text: str,
    length: int = 255,
    killwords: object = False,
    end: str = "...",
    leeway: int | None = None,
) -> str:
    """The text cut after `length` characters, `end` among them; one that is hardly longer is whole."""
    if length < len(end) or (leeway is not None and leeway < 0):
        raise ValueError(f"truncate takes a length from {len(end)} and a leeway from 0 on")
    return jinja_filters.do_truncate(environment, text, length, bool(killwords), end, leeway)


def items(value: Mapping[str, object]) -> list[tuple[str, object]]:
    """The pairs of an object, in order, for a loop."""
    if not isinstance(value, Mapping):
        raise TypeError("items takes an object")
    return list(value.items())


def values(value: Mapping[str, object]) -> list[object]:
    """The values of an object, in order, for a loop."""
    if not isinstance(value, Mapping):
        raise TypeError("values takes an object")
    return list(value.values())


def as_list(value: object) -> list[object]:
    """The items of a list, the keys of an object, the characters of a text."""
    if isinstance(value, Undefined) or not isinstance(value, Mapping | Sequence):
        raise TypeError(f"list takes a list, an object or a text, not {value!r:.40}")
    return list(value)


def lines(text: object) -> list[str]:
    """The lines of a text, without their ends."""
    return str(shown(text)).splitlines()


FILTERS: Mapping[str, Callable[..., Any]] = {
    "capitalize": jinja_filters.do_capitalize,
    "count": len,
    "d": default,
    "default": default,
    "first": jinja_filters.do_first,
    "indent": indent,
    "int": jinja_filters.do_int,
    "items": items,
    "join": join,
    "last": jinja_filters.do_last,
    "length": len,
    "lines": lines,
    "list": as_list,
    "lower": jinja_filters.do_lower,
    "replace": replace,
    "string": lambda value: str(shown(value)),
    "title": jinja_filters.do_title,
    "tojson": tojson,
    "trim": jinja_filters.do_trim,
    "truncate": truncate,
    "upper": jinja_filters.do_upper,
    "values": values,
    "wordcount": jinja_filters.do_wordcount,
}

_TEST_NAMES = (
    "boolean", "defined", "divisibleby", "eq", "equalto", "even", "false", "float", "ge",
    "greaterthan", "gt", "in", "integer", "le", "lessthan", "lt", "mapping", "ne", "none",
    "number", "odd", "sequence", "string", "true", "undefined",
)  # fmt: skip
TESTS: Mapping[str, Callable[..., Any]] = {
    name: cast("Callable[..., Any]", jinja_tests.TESTS[name]) for name in _TEST_NAMES
}


def _item(value: object, attribute: str) -> object:
    if not isinstance(value, Mapping) or attribute not in value:
        raise LookupError(f"join found an item without {attribute!r}")
    return value[attribute]


def check_size(size: int) -> None:
    """ValueError for what is longer than a message may be."""
    if size > MAX_CHARS:
        raise ValueError(f"a template would write {size:,} characters; {MAX_CHARS:,} are the limit")


def plain(value: object) -> object:
    """A mapping or sequence of another kind in the types that `json` writes."""
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Sequence):
        return list(value)
    raise TypeError(f"a {type(value).__name__} is not a JSON value")
