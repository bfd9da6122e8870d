"""Schema violations in words: what is wrong at which node, and what to write instead."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tetrad.schemas.nearest import nearest, nearest_of_each


@dataclass(frozen=True, slots=True)
class Problem:
    """A problem of a plain value, without a file yet; `at_key` points at the key."""

    path: tuple[str | int, ...]
    message: str
    hint: str = ""
    at_key: bool = False
    meant: str = ""  # the known key that an unknown one is taken for
    unknown: bool = False  # whether the key itself is the problem
    unquoted: bool = False  # whether a number or true stands where its text is meant
    missing: tuple[str, ...] = ()  # keys of which one is missing; not said of one that is meant


TYPE_NAMES = {
    "string": "a text",
    "number": "a number",
    "integer": "a whole number",
    "boolean": "true or false",
    "array": "a list",
    "object": "a mapping",
    "null": "null",
}


_FEW = 3  # keys that a hint shows


def problems(errors: Iterable[Any], schema: Mapping[str, Any], value: Any) -> Iterator[Problem]:
    """The problems that a validator's errors on a value mean, one for each thing to fix."""
    found = [problem for error in errors for problem in _explain(error, schema, value)]
    meant = {(p.path[:-1], p.meant) for p in found if p.meant}
    yield from (p for p in found if not meant & {(p.path, name) for name in p.missing})


def _explain(error: Any, schema: Mapping[str, Any], value: Any) -> Iterator[Problem]:
    explain = _EXPLAINED.get(error.kind.name)
    if explain is None:
        yield Problem(tuple(error.instance_path), error.message)
        return
    yield from explain(_Subject(error, schema, value))


class _Subject:
    """The node that an error is about, with the schemas around it."""

    def __init__(self, error: Any, schema: Mapping[str, Any], root: Any) -> None:
        self.path = tuple(error.instance_path)
        self.kind = error.kind
        self.evaluation_path = list(error.evaluation_path)
        self.root = root
        self.schema = schema
        self.value = root
        for step in self.path:
            self.value = self.value[step]
        self.parent = _walk(schema, error.evaluation_path[:-1])

    @property
    def description(self) -> str:
        return str(self.parent.get("description", ""))


def _walk(schema: Mapping[str, Any], path: Sequence[str | int]) -> Mapping[str, Any]:
    """The subschema at an evaluation path, through `$ref`s into `$defs`."""
    node: Any = schema
    for step in path:
        node = node[step]
        # a promptfoo file has a key of this name too, whose schema is not a reference
        if step == "$ref" and isinstance(node, str):
            node = schema["$defs"][node.rsplit("/", 1)[-1]]
    found: Mapping[str, Any] = node if isinstance(node, Mapping) else {}
    return found


def _unknown_keys(subject: _Subject) -> Iterator[Problem]:
    known = list(subject.parent.get("properties", ()))
    free = tuple(name for name in known if name not in subject.value)
    homes = _homes(subject)
    for key, close in nearest_of_each(subject.kind.unexpected, free).items():
        home = homes.get(key)
        if home:
            hint = f"it belongs {home}"
        elif close:
            hint = f"did you mean {close}?"
        elif known:
            hint = "known keys are " + ", ".join(known)
        else:
            hint = "leave it out"
        message = f"unknown key {key!r}"
        yield Problem((*subject.path, key), message, hint, True, meant=close or "", unknown=True)


def _homes(subject: _Subject) -> Mapping[str, str]:
    """Where keys are known, one level further in or at the outermost one."""
    outermost = subject.schema.get("properties", ()) if subject.path else ()
    homes = dict.fromkeys(outermost, "at the outermost level")
    for name, part in reversed(subject.parent.get("properties", {}).items()):
        inner = _resolved(part, subject.schema).get("properties", ())
        homes |= dict.fromkeys(inner, f"under {name}:")
    return homes


def _resolved(part: Any, schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """A subschema, or the one that it refers to."""
    name = str(part.get("$ref", "")) if isinstance(part, Mapping) else ""
    found = schema.get("$defs", {}).get(name.rsplit("/", 1)[-1], part) if name else part
    return found if isinstance(found, Mapping) else {}


def _missing(subject: _Subject) -> Iterator[Problem]:
    name = subject.kind.property
    described = subject.parent.get("properties", {}).get(name, {}).get("description", "")
    hint = f"add {name}: {_first_sentence(described)}" if described else f"add {name}:"
    yield Problem(subject.path, f"{name!r} is missing", hint, True, missing=(name,))


def _wrong_type(subject: _Subject) -> Iterator[Problem]:
    wanted = list(subject.kind.types)
    expected = " or ".join(TYPE_NAMES[name] for name in wanted)
    message = f"this must be {expected}, not {shown(subject.value)}"
    if "string" in wanted and isinstance(subject.value, bool | int | float):
        hint = quoting(json.dumps(subject.value))
        yield Problem(subject.path, message, hint, unquoted=True)
        return
    yield Problem(subject.path, message, _type_hint(wanted, subject))


def quoting(written: str) -> str:
    """The hint for a number or a boolean, as its file writes it, that is meant as a text."""
    return f'put it in quotes: "{written}"'


def _type_hint(wanted: Sequence[str], subject: _Subject) -> str:
    value = subject.value
    if "object" in wanted and value is None:
        return "write its keys, indented, below it"
    hint = _hint_for_text(wanted, subject) if isinstance(value, str) else ""
    return hint or _first_sentence(subject.description)


def _hint_for_text(wanted: Sequence[str], subject: _Subject) -> str:
    """What to write in place of a text."""
    text = subject.value
    if wanted in (["integer"], ["number"]) and _is_number(text):
        return "write the number without quotes"
    if wanted == ["number"] and _is_number(text.removesuffix("%")):
        return f"write it as a number: {float(text.removesuffix('%')) / 100:g}"
    if wanted == ["boolean"]:
        return "write true or false, without quotes"
    if "array" in wanted:
        return f"write a list: [{text}]"
    return _keys_hint(text, subject) if wanted == ["object"] else ""


def _keys_hint(value: str, subject: _Subject) -> str:
    """How to write as a mapping what is written as a text; empty where nothing shows it."""
    names = list(subject.parent.get("properties", ()))
    required = list(subject.parent.get("required", ()))
    if value in names:
        return f"write {{{value}: …}} with its keys"
    if required:
        rest = "".join(f", {name}: …" for name in required[1:])
        return f"write {{{required[0]}: {value}{rest}}}"
    if len(names) > _FEW:
        return ""
    return "".join(f" or {{{name}: {value}}}" for name in names).replace(" or", "write", 1)


def _is_number(value: Any) -> bool:
    return isinstance(value, str) and re.fullmatch(r"[-+]?\d+(\.\d+)?", value) is not None


def _not_in_enum(subject: _Subject) -> Iterator[Problem]:
    options = [str(option) for option in subject.parent.get("enum", ())]
    close = nearest(str(subject.value), options) if isinstance(subject.value, str) else None
    hint = f"did you mean {close}?" if close else _first_sentence(subject.description)
    listed = "not" if len(options) == 1 else "none of"
    message = f"{shown(subject.value)} is {listed} {', '.join(options)}"
    yield Problem(subject.path, message, hint)


def _not_constant(subject: _Subject) -> Iterator[Problem]:
    constant = subject.parent.get("const")
    yield Problem(subject.path, f"this must be {constant}, not {shown(subject.value)}")


def _not_matching(subject: _Subject) -> Iterator[Problem]:
    message = f"{shown(subject.value)} does not match the expected format"
    hint = subject.description or f"it must match {subject.parent.get('pattern')}"
    yield Problem(subject.path, message, hint)


def bad_names(
    schema: Mapping[str, Any], value: Any, path: tuple[str | int, ...] = ()
) -> Iterator[Problem]:
    """The keys that `propertyNames` refuses, of every mapping that `properties` lead to."""
    if not isinstance(value, Mapping):
        return
    names: Any = schema.get("propertyNames")
    for key in value if names else ():
        if not re.fullmatch(names["pattern"], key):
            message = f"{key!r} cannot be a name here"
            yield Problem((*path, key), message, names["description"], True)
    for key, part in schema.get("properties", {}).items():
        yield from bad_names(part, value.get(key), (*path, key))
    others: Any = schema.get("additionalProperties")
    for key in value if isinstance(others, Mapping) else ():
        if key not in schema.get("properties", {}):
            yield from bad_names(others, value[key], (*path, key))


def _limit(text: str, keyword: str) -> Callable[[_Subject], Iterator[Problem]]:
    def explain(subject: _Subject) -> Iterator[Problem]:
        limit = subject.parent.get(keyword)
        message = text.format(value=shown(subject.value), limit=limit)
        is_percent = keyword == "maximum" and limit == 1 and 2 <= subject.value <= 100
        share = f"for {subject.value:g} % write {subject.value / 100:g}" if is_percent else ""
        yield Problem(subject.path, message, share or _first_sentence(subject.description))

    return explain


def _length(subject: _Subject) -> Iterator[Problem]:
    least, most = subject.parent.get("minItems", 0), subject.parent.get("maxItems")
    limits = f"{least}" if least == most else f"at least {least}"
    found = len(subject.value)
    message = f"this list has {found} items; it takes {limits}" if found else "this list is empty"
    yield Problem(subject.path, message, _first_sentence(subject.description))


def _empty(text: str) -> Callable[[_Subject], Iterator[Problem]]:
    def explain(subject: _Subject) -> Iterator[Problem]:
        yield Problem(subject.path, text, _first_sentence(subject.description))

    return explain


def _twice(subject: _Subject) -> Iterator[Problem]:
    values = list(subject.value)
    seen: set[str] = set()
    second = 0
    for number, value in enumerate(values):
        written = json.dumps(value, sort_keys=True)
        if written in seen:
            second = number
            break
        seen.add(written)
    message = f"duplicate item {shown(values[second])} in this list"
    yield Problem((*subject.path, second), message, "remove one of them")


def _one_key(subject: _Subject) -> Iterator[Problem]:
    known = ", ".join(subject.parent.get("properties", ()))
    given = ", ".join(subject.value)
    message = f"this takes one of {known}, not {given}" if given else f"this needs one of {known}"
    yield Problem(subject.path, message, _first_sentence(subject.description))


def _several_branches(subject: _Subject, keys: Sequence[str]) -> Iterator[Problem]:
    given = [key for key in keys if key in subject.value]
    message = f"{' and '.join(map(repr, given))} exclude each other"
    yield Problem(subject.path, message, f"keep one of {', '.join(keys)}", True)


def _no_branch(subject: _Subject) -> Iterator[Problem]:
    keys = _required_keys(subject.parent)
    if keys and not isinstance(subject.value, Mapping):
        return  # that it is no mapping is said of its type
    if len([key for key in keys if key in subject.value]) > 1:
        yield from _several_branches(subject, keys)
        return
    if keys:
        message = f"one of {', '.join(map(repr, keys))} is missing"
        hint = _first_sentence(subject.description) or f"add {' or '.join(keys)}:"
        yield Problem(subject.path, message, hint, True, missing=tuple(keys))
        return
    branches = [list(branch) for branch in subject.kind.context]
    fitting = [branch for branch in branches if not _is_of_wrong_type(branch, subject.path)]
    if not fitting:
        wanted = [name for branch in branches for name in _wanted_types(branch, subject.path)]
        expected = " or ".join(TYPE_NAMES[name] for name in dict.fromkeys(wanted))
        message = f"this must be {expected}, not {shown(subject.value)}"
        yield Problem(subject.path, message, subject.description)
        return
    best = min(fitting, key=len)
    prefix = subject.evaluation_path
    for nested in best:
        yield from _explain(_Nested(nested, prefix), subject.schema, subject.root)


class _Nested:
    """An error of a branch, with its whole evaluation path."""

    def __init__(self, error: Any, prefix: Sequence[str | int]) -> None:
        path = list(error.evaluation_path)
        self.evaluation_path = path if path[: len(prefix)] == list(prefix) else [*prefix, *path]
        self.instance_path = error.instance_path
        self.kind = error.kind
        self.message = error.message


def _required_keys(schema: Mapping[str, Any]) -> list[str]:
    """The keys of `oneOf: [{required: [a]}, {required: [b]}]`."""
    branches = schema.get("oneOf") or schema.get("anyOf") or ()
    if not all(isinstance(b, Mapping) and set(b) == {"required"} for b in branches):
        return []
    return [key for branch in branches for key in branch["required"]]


def _is_of_wrong_type(branch: Sequence[Any], path: Sequence[str | int]) -> bool:
    return bool(_wanted_types(branch, path))


def _wanted_types(branch: Sequence[Any], path: Sequence[str | int]) -> list[str]:
    return [
        name
        for error in branch
        if error.kind.name == "type" and list(error.instance_path) == list(path)
        for name in error.kind.types
    ]


def shown(value: Any) -> str:
    """A value as it is quoted in a message."""
    if isinstance(value, Mapping):
        return "a mapping" if value else "an empty mapping"
    if isinstance(value, list):
        return "a list" if value else "an empty list"
    written = json.dumps(value, ensure_ascii=False)
    return written if len(written) <= 60 else written[:58] + '…"'


def _first_sentence(text: str) -> str:
    head, dot, _ = text.partition(". ")
    return head + "." if dot else text


_EXPLAINED: Mapping[str, Callable[[_Subject], Iterator[Problem]]] = {
    "additionalProperties": _unknown_keys,
    "required": _missing,
    "type": _wrong_type,
    "enum": _not_in_enum,
    "const": _not_constant,
    "pattern": _not_matching,
    "minimum": _limit("{value} is less than {limit}", "minimum"),
    "maximum": _limit("{value} is more than {limit}", "maximum"),
    "exclusiveMinimum": _limit("{value} is not more than {limit}", "exclusiveMinimum"),
    "exclusiveMaximum": _limit("{value} is not less than {limit}", "exclusiveMaximum"),
    "minLength": _empty("this text is empty"),
    "minItems": _length,
    "maxItems": _length,
    "uniqueItems": _twice,
    "minProperties": _one_key,
    "maxProperties": _one_key,
    "anyOf": _no_branch,
    "oneOf": _no_branch,
}
