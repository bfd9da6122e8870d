"""Values to JSON and back, by their own annotations, so that a value has one shape wherever it goes.

Fields at their default are left out; a member of a union carries its type's name as `type`. What
does not fit is a `ShapeError` with its JSON path: values are read from files that others wrote. Keys
that are not known are let be, so that an older tetrad reads what a newer one adds.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from functools import cache, partial
from types import GenericAlias, NoneType, UnionType
from typing import (
    TYPE_CHECKING,
    Any,
    Literal,
    TypeAlias,
    TypeVar,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

from tetrad.canonical import Digest

if TYPE_CHECKING:
    from cattrs import Converter

T = TypeVar("T")
Reader: TypeAlias = Callable[[Any, Any], Any]

_LARGEST = 2**53 - 1  # what JSON carries exactly; further numbers overflow a drawing
_SCALARS = {str: "a text", bool: "true or false", int: "a number", float: "a number"}


class ShapeError(ValueError):
    """A JSON value that is not of the shape that is read, and the path that leads to it."""

    def __init__(self, message: str, path: str = "") -> None:
        super().__init__(f"${path}: {message}")
        self.message = message
        self.path = path


class Codec:
    """Writes and reads values; `configure` gives single types a shape of their own.

    What is written may hold mappings and tuples, for an encoder with `default=dict`.
    """

    def __init__(self, configure: Callable[[Converter], None] | None = None) -> None:
        # Made at their first use: the import alone takes longer than many a command.
        self._quick = cache(partial(_converter, configure, explains=False))
        self._explaining = cache(partial(_converter, configure, explains=True))

    def dump(self, value: Any) -> Any:
        return self._quick().unstructure(value)

    def load(self, kind: type[T], value: Any) -> T:
        """The value of that type; ShapeError where there is none."""
        try:
            return self._quick().structure(value, kind)
        except (ShapeError, KeyError):
            return self._explained(value, kind)  # says the place, which takes a sound value time

    def _explained(self, value: Any, kind: type[T]) -> T:
        try:
            return self._explaining().structure(value, kind)
        except (ShapeError, ExceptionGroup) as error:
            path, message = _first(error)
            raise ShapeError(message, path) from error


def fields_reader(
    converter: Converter, kind: Any, /, *, whole: bool = False, **overrides: Any
) -> Reader:
    """What reads the object of a value's fields, all of which must be there if it is `whole`."""
    from cattrs.gen import make_dict_structure_fn, override

    hints = get_type_hints(kind)
    for name, least in {name: _least(name) for name in hints}.items():
        if least is not None:
            read = _limited(converter.get_structure_hook(hints[name]), least)
            overrides[name] = override(struct_hook=read)
    read_fields = make_dict_structure_fn(kind, converter, **overrides)

    def load(value: Any, _: Any) -> Any:
        _expect(value, dict, "an object")
        if whole:
            for name in hints:
                if name not in value:
                    raise ShapeError("is missing", f".{name}")
        return read_fields(value, kind)

    return load


def _converter(configure: Callable[[Converter], None] | None, *, explains: bool) -> Converter:
    from cattrs import Converter

    made = Converter(omit_if_default=True, detailed_validation=explains)
    as_it_is = made.get_unstructure_hook(str)
    made.register_unstructure_hook(Digest, str)
    made.register_unstructure_hook_factory(_is_plain, lambda _: as_it_is)
    made.register_unstructure_hook_factory(_is_tagged, partial(_tagged_writer, made))
    for kind, named in _SCALARS.items():
        made.register_structure_hook(kind, _scalar_reader(kind, named))
    made.register_structure_hook(Digest, _read_digest)
    made.register_structure_hook_func(_is_literal, _read_literal)
    made.register_structure_hook_factory(_is_value, partial(fields_reader, made))
    made.register_structure_hook_factory(_is_mapping, partial(_mapping_reader, made))
    made.register_structure_hook_factory(_is_tuple, partial(_tuple_reader, made))
    made.register_structure_hook_factory(_is_optional, partial(_optional_reader, made))
    made.register_structure_hook_factory(_is_tagged, partial(_tagged_reader, made))
    if configure is not None:
        configure(made)
    return made


# -- which types are read and written how


def _options(hint: Any) -> tuple[Any, ...]:
    return get_args(hint) if get_origin(hint) in {Union, UnionType} else (hint,)


def _is_value(hint: Any) -> bool:
    return isinstance(hint, type) and dataclasses.is_dataclass(hint) and hint is not Digest


def _is_tagged(hint: Any) -> bool:
    return len([option for option in _options(hint) if _is_value(option)]) > 1


def _is_optional(hint: Any) -> bool:
    options = _options(hint)
    return len(options) == 2 and NoneType in options


def _is_literal(hint: Any) -> bool:
    return get_origin(hint) is Literal


def _is_tuple(hint: Any) -> bool:
    return get_origin(hint) is tuple


def _is_mapping(hint: Any) -> bool:
    origin = get_origin(hint)
    return isinstance(origin, type) and issubclass(origin, Mapping)


def _is_plain(hint: Any) -> bool:
    """Whether JSON writes values of the type as they are."""
    if _is_mapping(hint) or _is_tuple(hint):
        return all(_is_plain(item) for item in get_args(hint) if item is not Ellipsis)
    return _is_literal(hint) or all(
        option is Any or option is NoneType or option in _SCALARS for option in _options(hint)
    )


# -- reading


def _scalar_reader(kind: type, named: str) -> Reader:
    def load(value: Any, _: Any) -> Any:
        _expect(value, kind, named)
        return value

    def load_number(value: Any, _: Any) -> Any:
        _expect(value, int if kind is float and type(value) is int else kind, named)
        if not abs(value) <= _LARGEST:  # as of what is not a number
            raise ShapeError("must be between -(2^53-1) and 2^53-1")
        return value

    return load_number if kind in {int, float} else load


def _least(name: str) -> str | None:
    """What the least value of a field is, by what it counts."""
    return "0 seconds" if name.endswith("_s") else "0" if name.endswith("_tokens") else None


def _limited(read: Reader, least: str) -> Reader:
    def load(value: Any, hint: Any) -> Any:
        found = read(value, hint)
        if found is not None and found < 0:
            raise ShapeError(f"must be {least} or more")
        return found

    return load


def _read_digest(value: Any, _: Any) -> Digest:
    _expect(value, str, "a text")
    try:
        return Digest.parse(value)
    except ValueError as error:
        raise ShapeError(str(error)) from error


def _read_literal(value: Any, hint: Any) -> Any:
    if value not in get_args(hint):
        raise ShapeError(f"must be one of {', '.join(map(str, get_args(hint)))}")
    return value


def _mapping_reader(converter: Converter, hint: Any) -> Reader:
    from cattrs.cols import mapping_structure_factory

    # not the converter's own factory, which takes the place of this reader the next time
    read = (
        (lambda value, _: value)  # keys are texts in any JSON
        if get_args(hint)[1] is Any
        else mapping_structure_factory(hint, converter)
    )

    def load(value: Any, _: Any) -> Any:
        _expect(value, dict, "an object")
        return read(value, hint)

    return load


def _tuple_reader(converter: Converter, hint: Any) -> Reader:
    from cattrs.cols import homogenous_tuple_structure_factory

    items = get_args(hint)  # of one type: no others are used
    count = None if items[-1] is Ellipsis else len(items)
    each: Any = GenericAlias(tuple, (items[0], ...))
    read = homogenous_tuple_structure_factory(each, converter)

    def load(value: Any, _: Any) -> Any:
        _expect(value, list, "a list")
        if count is not None and len(value) != count:
            raise ShapeError(f"must have {count} items")
        return read(value, each)

    return load


def _optional_reader(converter: Converter, hint: Any) -> Reader:
    (option,) = (option for option in get_args(hint) if option is not NoneType)
    read = converter.get_structure_hook(option)
    return lambda value, _: None if value is None else read(value, option)


def _expect(value: Any, kind: type, named: str) -> None:
    if type(value) is not kind:
        raise ShapeError(f"must be {named}")


# -- unions, whose members tell themselves apart


def _tags(hint: Any) -> Mapping[str, type]:
    return {option.__name__.lower(): option for option in _options(hint) if _is_value(option)}


def _tagged_writer(converter: Converter, hint: Any) -> Callable[[Any], Any]:
    writers = {
        kind: (tag, converter.get_unstructure_hook(kind)) for tag, kind in _tags(hint).items()
    }

    def dump(value: Any) -> Any:
        if value is None:
            return None
        tag, write = writers[type(value)]
        return {"type": tag, **write(value)}

    return dump


def _tagged_reader(converter: Converter, hint: Any) -> Reader:
    tags = _tags(hint)
    readers = {tag: converter.get_structure_hook(kind) for tag, kind in tags.items()}
    is_optional = NoneType in get_args(hint)

    def load(value: Any, _: Any) -> Any:
        if value is None and is_optional:
            return None
        _expect(value, dict, "an object")
        tag = value.get("type")
        if not isinstance(tag, str) or tag not in readers:
            raise ShapeError(f"must be one of {', '.join(tags)}", ".type")
        return readers[tag](value, tags[tag])

    return load


# -- where it is that something does not fit


def _first(error: BaseException) -> tuple[str, str]:
    """The path to the first misfit below, and what is wrong with it."""
    from cattrs.errors import AttributeValidationNote, IterableValidationNote

    path = ""
    for note in getattr(error, "__notes__", ()):
        if isinstance(note, AttributeValidationNote):
            path = f".{note.name}"
        elif isinstance(note, IterableValidationNote):
            path = f"[{note.index}]" if isinstance(note.index, int) else f".{note.index}"
    if isinstance(error, ExceptionGroup):
        below, message = _first(error.exceptions[0])
        return f"{path}{below}", message
    if isinstance(error, KeyError):
        return path, "is missing"
    if not isinstance(error, ShapeError):
        raise error
    return f"{path}{error.path}", error.message
