"""Which fields of two objects differ. Pure.

Items of a list that have a name are compared by it, as Kubernetes merges them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

ABSENT = object()
_KEYS = ("name", "containerPort", "mountPath", "key")


@dataclass(frozen=True, kw_only=True)
class FieldChange:
    """A field by its path, as kubectl writes it; None where it is not there."""

    path: str
    before: str | None
    after: str | None


def field_changes(before: Any, after: Any, path: str = "") -> Iterator[FieldChange]:
    """Every field that came, changed or went, at the deepest place that tells."""
    if before == after:
        return
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in sorted({*before, *after}, key=str):
            inner = joined(path, str(key))
            yield from field_changes(before.get(key, ABSENT), after.get(key, ABSENT), inner)
    elif isinstance(before, list) and isinstance(after, list):
        for name, pair in _paired(before, after).items():
            yield from field_changes(*pair, f"{path}[{name}]")
    else:
        yield FieldChange(path=path, before=written(before), after=written(after))


def within(live: Any, wanted: Any) -> Any:
    """Of a live value the fields that are wanted: defaults and what others add are left out."""
    if isinstance(wanted, Mapping) and isinstance(live, Mapping):
        return {key: within(live[key], wanted[key]) for key in wanted if key in live}
    if isinstance(wanted, list) and isinstance(live, list):
        key = _key_of(wanted, live)
        if key is not None:
            of_name = {item[key]: item for item in wanted}
            return [within(item, of_name.get(item[key], item)) for item in live]
        if len(live) == len(wanted):
            return [within(*pair) for pair in zip(live, wanted, strict=True)]
    return live


def _paired(before: list[Any], after: list[Any]) -> Mapping[object, tuple[Any, Any]]:
    key = _key_of(before, after)
    if key is None:
        longest = range(max(len(before), len(after)))
        return {index: (_at(before, index), _at(after, index)) for index in longest}
    olds, news = ({item[key]: item for item in items} for items in (before, after))
    return {name: (olds.get(name, ABSENT), news.get(name, ABSENT)) for name in {**olds, **news}}


def _at(items: Sequence[Any], index: int) -> Any:
    return items[index] if index < len(items) else ABSENT


def _key_of(*lists: Sequence[Any]) -> str | None:
    """The key that names every item of the lists, each once in its list."""
    for key in _KEYS:
        named = [[item.get(key) for item in items if isinstance(item, Mapping)] for items in lists]
        if all(
            len(names) == len(items) and None not in names and len({*map(str, names)}) == len(names)
            for names, items in zip(named, lists, strict=True)
        ):
            return key
    return None


def joined(path: str, key: str) -> str:
    """The path of a field of the value that a path names."""
    is_plain = key.replace("-", "").replace("_", "").isalnum()
    return f"{path}.{key}".removeprefix(".") if is_plain else f"{path}[{key}]"


def written(value: Any) -> str | None:
    if value is ABSENT:
        return None
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True)
