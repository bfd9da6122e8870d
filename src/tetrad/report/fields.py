"""Frozen values to JSON and back, driven by their own annotations, so that a value has one shape.

Fields at their default are left out; a member of a union carries its type's name as `type`. What
does not fit is a `Misfit` with its JSON path: reports are read back from places that others write.
"""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Mapping
from functools import cache
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from tetrad.canonical import Digest

_LARGEST = 2**53 - 1  # what JSON carries exactly; further numbers overflow a drawing


class Misfit(ValueError):
    """A JSON value that is not of the shape that is read."""

    def __init__(self, path: str, message: str) -> None:
        super().__init__(f"{path}: {message}")


def dump(value: Any, *, is_tagged: bool = False) -> Any:
    """The value in dicts, lists and scalars; `is_tagged` writes the names of value types."""
    kind: type = type(value)
    if kind in _SCALARS:
        return value
    if kind is tuple:
        return [dump(item, is_tagged=is_tagged) for item in value]
    if kind is Digest:
        return str(value)
    if dataclasses.is_dataclass(kind):
        document = {"type": kind.__name__.lower()} if is_tagged else {}
        for name, default, tags in _written_fields(kind):
            item = getattr(value, name)
            if item != default:
                document[name] = dump(item, is_tagged=tags)
        return document
    if isinstance(value, Mapping):
        return {key: dump(item) for key, item in value.items()}
    return [dump(item) for item in value]


_SCALARS = frozenset({str, int, float, bool, type(None)})


@cache
def _written_fields(kind: type) -> tuple[tuple[str, Any, bool], ...]:
    """Each field's name, its default, and whether its values need their type's name."""
    hints = _hints(kind)
    return tuple(
        (field.name, _default(field), _is_tagged(hints[field.name]))
        for field in dataclasses.fields(kind)
    )


def _is_tagged(hint: Any) -> bool:
    item_hint = get_args(hint)[0] if get_origin(hint) is tuple else hint
    return len(_members(item_hint)) > 1


def load(hint: Any, value: Any, path: str = "$") -> Any:
    """The value of that type; Misfit where there is none."""
    members = _members(hint)
    if members:
        return _load_member(hint, members, value, path)
    origin = get_origin(hint)
    if origin is tuple:
        return _load_tuple(hint, value, path)
    if origin is not None and isinstance(origin, type) and issubclass(origin, Mapping):
        _expect(value, dict, path)
        _, item_hint = get_args(hint)
        return {key: load(item_hint, item, f"{path}.{key}") for key, item in value.items()}
    if origin is Literal:
        return _load_literal(hint, value, path)
    if origin in {Union, types.UnionType}:
        (option,) = (option for option in get_args(hint) if option is not type(None))
        return None if value is None else load(option, value, path)
    return _load_scalar(hint, value, path)


def _load_literal(hint: Any, value: Any, path: str) -> Any:
    if value not in get_args(hint):
        raise Misfit(path, f"must be one of {', '.join(map(str, get_args(hint)))}")
    return value


def _load_member(hint: Any, members: Mapping[type, str], value: Any, path: str) -> Any:
    if value is None and type(None) in get_args(hint):
        return None
    _expect(value, dict, path)
    if len(members) == 1:
        return _load_fields(next(iter(members)), value, path)
    for member, name in members.items():
        if value.get("type") == name:
            return _load_fields(member, value, path)
    raise Misfit(f"{path}.type", f"must be one of {', '.join(members.values())}")


def _load_fields(kind: type, value: Mapping[str, Any], path: str) -> Any:
    hints = _hints(kind)
    fields = {field.name: field for field in dataclasses.fields(kind)}
    given = {
        name: load(hints[name], value[name], f"{path}.{name}") for name in fields if name in value
    }
    for name, field in fields.items():
        if name not in given and _default(field) is dataclasses.MISSING:
            raise Misfit(f"{path}.{name}", "is missing")
    return kind(**given)


def _load_tuple(hint: Any, value: Any, path: str) -> tuple[Any, ...]:
    _expect(value, list, path)
    arguments = get_args(hint)
    if len(arguments) == 2 and arguments[1] is Ellipsis:
        item_hints = (arguments[0],) * len(value)
    elif len(arguments) == len(value):
        item_hints = arguments
    else:
        raise Misfit(path, f"must have {len(arguments)} items")
    return tuple(
        load(item_hint, item, f"{path}[{i}]")
        for i, (item_hint, item) in enumerate(zip(item_hints, value, strict=True))
    )


def _load_scalar(hint: Any, value: Any, path: str) -> Any:
    if hint is Digest:
        _expect(value, str, path)
        try:
            return Digest.parse(value)
        except ValueError as error:
            raise Misfit(path, str(error)) from error
    if hint in {str, int, float, bool}:
        _expect(value, int if hint is float and type(value) is int else hint, path)
    if hint in {int, float} and not abs(value) <= _LARGEST:
        raise Misfit(path, "must be between -(2^53-1) and 2^53-1")
    if hint in {int, float} and path.endswith("_s") and value < 0:
        raise Misfit(path, "must be 0 seconds or more")
    return value


def _expect(value: Any, kind: type, path: str) -> None:
    names = {dict: "an object", list: "a list", str: "a text", bool: "true or false"}
    if type(value) is not kind:
        raise Misfit(path, f"must be {names.get(kind, 'a number')}")


@cache
def _members(hint: Any) -> Mapping[type, str]:
    """The value types among a hint's options, with the names that tell them apart."""
    options = get_args(hint) if get_origin(hint) in {Union, types.UnionType} else (hint,)
    return {
        option: option.__name__.lower()
        for option in options
        if isinstance(option, type) and dataclasses.is_dataclass(option) and option is not Digest
    }


@cache
def _hints(kind: type) -> Mapping[str, Any]:
    # `Json` is recursive, which get_type_hints cannot follow; as an object it is taken as it is.
    return get_type_hints(kind, localns={"Json": object})


def _default(field: dataclasses.Field[Any]) -> Any:
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    return field.default
