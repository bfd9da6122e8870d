"""Comparing JSON values: whether two are the same, and where they are not."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeGuard

from tetrad.canonical import Json
from tetrad.text import shorten
from tetrad.yamldoc.document import json_path

_SHOWN = 60  # characters of a value, or of a place
_ABSENT = "absent"


class Difference(NamedTuple):
    """A place that holds one value before and another, or none, after; both in short."""

    place: str
    before: str
    after: str


def is_same(one: Json, other: Any) -> bool:
    """Equal as JSON: 1 is 1.0, and true is not 1."""
    return next(differences(one, other), None) is None


def differences(one: Json, other: Any, place: tuple[str | int, ...] = ()) -> Iterator[Difference]:
    """The innermost places at which two values differ, in the first one's order."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        for key in {**one, **other}:
            if key not in one:
                yield _difference((*place, key), _ABSENT, _shown(other[key]))
            elif key not in other:
                yield _difference((*place, key), _shown(one[key]), _ABSENT)
            else:
                yield from differences(one[key], other[key], (*place, key))
    elif _is_list(one) and _is_list(other) and len(one) == len(other):
        for i, (item, its) in enumerate(zip(one, other, strict=True)):
            yield from differences(item, its, (*place, i))
    elif isinstance(one, bool) is not isinstance(other, bool) or one != other:
        yield _difference(place, _shown(one), _shown(other))


def _difference(place: tuple[str | int, ...], before: str, after: str) -> Difference:
    return Difference(shorten(json_path(place).removeprefix("$."), _SHOWN), before, after)


def _is_list(value: Any) -> TypeGuard[Sequence[Json]]:
    return isinstance(value, Sequence) and not isinstance(value, str)


def _shown(value: Any) -> str:
    return shorten(json.dumps(value, ensure_ascii=False, default=dict), _SHOWN)
