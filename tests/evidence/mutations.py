"""Small changes of bytes, texts and documents, made by a generator of random numbers."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

_VALUES: Sequence[Any] = (
    None, True, 0, -1, 1.5, 2**53, "", "x", "PASSED", "FAILED", "\ud800", "\x00", [], {}, [[]],
    {"sha256": "0" * 64}, "sha256:" + "0" * 64, "9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z",
    "stacks/triage", "production",
)  # fmt: skip


def changed_bytes(data: bytes, random: Random) -> bytes:
    """The bytes with some flipped, cut out, repeated or put in."""
    changed = bytearray(data)
    for _ in range(random.choice((1, 1, 1, 2, 5))):
        place = random.randrange(len(changed) + 1)
        end = min(len(changed), place + random.choice((1, 1, 2, 10, 100)))
        match random.randrange(4):
            case 0 if place < len(changed):
                changed[place] ^= 1 << random.randrange(8)
            case 1:
                del changed[place:end]
            case 2:
                changed[place:place] = changed[place:end]
            case _:
                changed[place:place] = random.choice((b'"', b",", b"{", b"\\", b"0", b" ", b"\xff"))
    return bytes(changed)


def changed_document(document: Any, random: Random) -> Any:
    """The document with one value, key or item changed somewhere."""
    document = json.loads(json.dumps(document))
    holder, key = random.choice(_places(document))
    changes: Sequence[Callable[[], None]] = (
        lambda: _set(holder, key, random.choice(_VALUES)),
        lambda: _set(holder, key, _near(holder[key], random)),
        lambda: _delete(holder, key),
        lambda: _add(holder, key, random.choice(_VALUES)),
    )
    random.choice(changes)()
    return document


def _places(value: Any) -> list[tuple[Any, Any]]:
    inside = value.items() if isinstance(value, dict) else enumerate(value)
    found = []
    for key, item in inside:
        found.append((value, key))
        if isinstance(item, dict | list):
            found += _places(item)
    return found


def _near(value: Any, random: Random) -> Any:
    """A value of the same kind, where there is one."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return value + random.choice((-1, 1, 0.5))
    if isinstance(value, str) and value:
        place = random.randrange(len(value))
        return value[:place] + random.choice("0aA ") + value[place + 1 :]
    if isinstance(value, list):
        return value * 2
    return random.choice(_VALUES)


def _set(holder: Any, key: Any, value: Any) -> None:
    holder[key] = value


def _delete(holder: Any, key: Any) -> None:
    del holder[key]


def _add(holder: Any, key: Any, value: Any) -> None:
    if isinstance(holder, dict):
        holder[f"{key}2"] = value
    else:
        holder.insert(key, value)
