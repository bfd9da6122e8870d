"""A ledger as rows and contents that anybody can write, and what is wrong with one: told from its
digests alone, without our own reader.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Any

import rfc8785

FIELDS = ("number", "kind", "at", "stack", "identity", "environment", "content", "previous")
NUMBER, KIND, IDENTITY, CONTENT, PREVIOUS, DIGEST = 0, 1, 4, 6, 7, 8


@dataclass
class State:
    """The rows of both tables; a content is None where its bytes are gone."""

    rows: list[list[Any]]
    contents: dict[str, Any]

    def copy(self) -> State:
        return State([list(row) for row in self.rows], dict(self.contents))


def sha256(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def digest_of_row(row: Sequence[Any]) -> str:
    """As docs/registry.md says; empty for what RFC 8785 cannot carry."""
    return _digest(tuple(row[:8]))


@lru_cache(maxsize=10_000, typed=True)  # most rows are those of before
def _digest(fields: tuple[Any, ...]) -> str:
    try:
        return sha256(rfc8785.dumps(dict(zip(FIELDS, fields, strict=True))))
    except (ValueError, TypeError):
        return ""


def chained_anew(rows: list[list[Any]], start: int) -> None:
    """Make a whole chain of the rows from an index on, as somebody who rewrites it would."""
    for index in range(start, len(rows)):
        rows[index][NUMBER] = index + 1
        rows[index][PREVIOUS] = rows[index - 1][DIGEST] if index else None
        rows[index][DIGEST] = digest_of_row(rows[index])


def read_state(connection: sqlite3.Connection) -> State:
    """What the tables hold."""
    connection.text_factory = lambda data: data.decode("utf-8", "surrogateescape")
    rows = connection.execute("SELECT * FROM ledger_entries ORDER BY number, rowid").fetchall()
    contents = connection.execute("SELECT digest, bytes FROM ledger_contents").fetchall()
    return State([list(row) for row in rows], dict(contents))


def write_state(connection: sqlite3.Connection, state: State) -> None:
    """Put it in the place of what the tables hold; sqlite3.Error where their keys refuse it."""
    with connection:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("DELETE FROM ledger_entries")
        connection.execute("DELETE FROM ledger_contents")
        connection.executemany("INSERT INTO ledger_contents VALUES (?, ?)", state.contents.items())
        connection.executemany(f"INSERT INTO ledger_entries VALUES ({'?, ' * 8}?)", state.rows)


def signed_heads(state: State) -> Iterator[tuple[int, str]]:
    """The heads of this ledger that the evidence in it was signed with."""
    first = next((row[DIGEST] for row in state.rows if row[NUMBER] == 1), None)
    for row in state.rows:
        data = state.contents.get(row[CONTENT]) if isinstance(row[CONTENT], str) else None
        if row[KIND] != "evidence" or not isinstance(data, bytes) or sha256(data) != row[CONTENT]:
            continue
        with suppress(ValueError, KeyError, TypeError):  # no evidence
            payload = json.loads(base64.b64decode(json.loads(data)["payload"]))
            head = payload["predicate"]["ledger"]
            if head["first"] == first:
                yield head["number"], head["digest"]


def problems(state: State, heads: Iterator[tuple[int, str]]) -> list[set[Any]]:
    """What is wrong: of each thing the entries of which one has to be named."""
    found = [*_of_numbers(state), *_of_chain(state), *_of_contents(state)]
    by_number = {row[NUMBER]: row for row in state.rows if type(row[NUMBER]) is int}
    last = max((number for number in by_number if number > 0), default=0)
    for number, digest in heads:
        if number > last:
            found.append({last + 1})
        elif number in by_number and by_number[number][DIGEST] != digest:
            found.append({number})
    return found


def _of_numbers(state: State) -> Iterator[set[Any]]:
    numbers = [row[NUMBER] for row in state.rows]
    for number in numbers:
        if type(number) is not int or number < 1:
            yield {None}
        elif numbers.count(number) > 1:
            yield {number}
    there = sorted({number for number in numbers if type(number) is int and number > 0})
    for before, number in pairwise([0, *there]):
        if number > before + 1:  # one message for those that follow each other
            yield {before + 1}


def _of_chain(state: State) -> Iterator[set[Any]]:
    before: list[Any] | None = None
    for row in state.rows:
        if type(row[NUMBER]) is not int or row[NUMBER] < 1:
            continue
        if not _is_sound(row):
            yield {row[NUMBER]}
        follows = before[NUMBER] + 1 if before else 1
        if row[NUMBER] == follows and row[PREVIOUS] != (before[DIGEST] if before else None):
            yield {row[NUMBER]}
        before = row


def _is_sound(row: list[Any]) -> bool:
    shapes: Mapping[int, str] = {IDENTITY: "tetrad:[0-9a-f]{64}", CONTENT: "sha256:[0-9a-f]{64}"}
    optional = {3, 4, 5, 7}
    for place in range(1, 8):
        value = row[place]
        if value is None and place in optional:
            continue
        if not isinstance(value, str) or not re.fullmatch(shapes.get(place, "(?s:.*)"), value):
            return False
    return bool(digest_of_row(row) == row[DIGEST])


def _of_contents(state: State) -> Iterator[set[Any]]:
    """Each content that an entry has or a snapshot names is there, or was erased after the last."""
    sound = [row for row in state.rows if type(row[NUMBER]) is int and _is_sound(row)]
    named: dict[str, list[int]] = {}
    erased: dict[str, int] = {}
    stays: set[str] = set()
    for row in sound:
        number, data = row[NUMBER], state.contents.get(row[CONTENT])
        named.setdefault(row[CONTENT], []).append(number)
        if row[KIND] == "erasure":
            stays.add(row[CONTENT])
        if not isinstance(data, bytes) or sha256(data) != row[CONTENT]:
            continue
        if row[KIND] == "erasure":
            erased |= dict.fromkeys(_said(data, "erased"), number)
        if row[KIND] == "snapshot":
            for digest in _files(data):
                named.setdefault(digest, []).append(number)
    for digest, numbers in named.items():
        data = state.contents.get(digest)
        if data is None and digest not in stays and erased.get(digest, 0) > max(numbers):
            continue
        if not isinstance(data, bytes) or sha256(data) != digest:
            yield set(numbers)


def _files(data: bytes) -> list[str]:
    """What a snapshot names; nothing where the content is none, or where what it names is no digest."""
    found: list[str] = []
    with suppress(ValueError, KeyError, TypeError, AttributeError):
        found.append(json.loads(data)["identity"].replace("tetrad:", "sha256:"))
    with suppress(ValueError, KeyError, TypeError):
        found += [
            str(file.get("digest")) for file in json.loads(data)["files"] if type(file) is dict
        ]
    return [digest for digest in found if re.fullmatch("sha256:[0-9a-f]{64}", digest)]


def _said(data: bytes, key: str) -> list[str]:
    try:
        return list(json.loads(data)[key])
    except (ValueError, KeyError, TypeError):
        return []
