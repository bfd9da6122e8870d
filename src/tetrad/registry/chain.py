"""Whether a chain of entries is whole: pure, so that any copy of them can be checked."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple, TypeAlias

from tetrad.canonical import Digest, digest_of
from tetrad.identity import read_identity
from tetrad.registry.entry import Entry, Fault, Head

# An entry as it is stored: the columns of the table, in order, the recorded digest last.
Row: TypeAlias = Sequence[Any]

_CONTENT = re.compile("sha256:[0-9a-f]{64}")
_IDENTITY = re.compile("tetrad:[0-9a-f]{64}")
_FIELDS = ("number", "kind", "at", "stack", "identity", "environment", "content", "previous")


class NotAnEntry(Exception):
    """A row whose digest is not that of what it says."""

    def __init__(self, number: object) -> None:
        super().__init__(f"entry {number} is not what was appended")


def row_of(entry: Entry) -> dict[str, object]:
    """The columns of an entry's row."""
    return {**entry.document(), "digest": str(entry.digest)}


def entry_of(row: Row) -> Entry:
    """The entry that a row holds; NotAnEntry where its digest is not that of what it says."""
    number, kind, at, stack, identity, environment, content, previous, _ = row
    if _problem(row):
        raise NotAnEntry(number)
    try:
        return Entry(
            number=number,
            kind=kind,
            at=at,
            stack=stack,
            identity=None if identity is None else read_identity(identity),
            environment=environment,
            content=Digest.parse(content),
            previous=None if previous is None else Digest.parse(previous),
        )
    except (ValueError, TypeError, AttributeError) as error:  # not a digest, or not even a text
        raise NotAnEntry(number) from error


def _problem(row: Row) -> str:
    """Why the columns are no entry with the digest that stands beside them; empty where they are."""
    _, kind, at, stack, identity, environment, content, *_ = row
    try:
        # not by way of an `Entry`, which takes twice as long
        digest = str(digest_of(dict(zip(_FIELDS, row[:-1], strict=True))))
    except (ValueError, TypeError):  # SQLite keeps a value of any type where a bit flips
        digest = ""
    if digest != row[-1]:
        return "its digest differs"
    is_shaped = (  # whoever computes digests can append anything
        type(kind) is type(at) is type(content) is str
        and all(value is None or type(value) is str for value in (stack, identity, environment))
        and _CONTENT.fullmatch(content) is not None
        and (identity is None or _IDENTITY.fullmatch(identity) is not None)
    )
    return "" if is_shaped else "a field is not one of an entry"


class SoundRow(NamedTuple):
    """What is looked at of an entry beyond its digest."""

    number: int
    kind: str
    content: str


class ChainCheck:
    """Looks at the rows of a ledger in order, and collects what is wrong with them."""

    def __init__(self, heads: Iterable[Head] = ()) -> None:
        self.faults: list[Fault] = []
        self._heads: dict[int, set[str]] = {}
        for head in heads:
            self._heads.setdefault(head.number, set()).add(str(head.digest))
        self._unreadable: list[tuple[range, str]] = []  # in order
        self._last = 0
        self._recorded: object = None  # the digest that the last row names as its own

    def sound(self, rows: Iterable[Row]) -> Iterator[SoundRow]:
        """The sound ones among the rows that follow."""
        for row in rows:
            number = row[0]
            if type(number) is not int or number < 1:  # as of a table that somebody built anew
                self.faults.append(stray(number))
                continue
            if number <= self._last:
                self.faults.append(twice(number))
            elif number != self._last + 1:
                self._absent(self._last + 1, number - 1)
            elif row[7] != self._recorded:
                self._add_fault(number, f"entry {number} does not follow entry {number - 1}")
            if problem := _problem(row):
                self._add_fault(number, f"{NotAnEntry(number)}: {problem}")
            else:
                self._meet(number, row[8])
                yield SoundRow(number, row[1], row[6])
            self._last, self._recorded = number, row[8]

    def unreadable(self, numbers: range, why: str) -> None:
        """Note entries that come next and that the database does not give."""
        if self._unreadable and self._unreadable[-1][0].stop == numbers.start:
            numbers = range(self._unreadable.pop()[0].start, numbers.stop)
        self._unreadable.append((numbers, why))

    def finish(self) -> None:
        """Say what follows the last row: entries that cannot be read, and known heads."""
        if self._unreadable:
            end = self._unreadable[-1][0][-1]
            self._absent(self._last + 1, end)
            self._last = max(self._last, end)
        for number in sorted(number for number in self._heads if number > self._last):
            self._add_fault(
                self._last + 1,
                f"the ledger ends with entry {self._last}, but entry {number} was signed:"
                " it is an older copy, or entries were removed",
            )

    def _meet(self, number: int, digest: str) -> None:
        if self._heads.get(number, {digest}) != {digest}:
            self._add_fault(
                number,
                f"entry {number} is not the one that was signed:"
                " the ledger was rewritten, there or before",
            )

    def _absent(self, first: int, last: int) -> None:
        """Say of entries that did not come whether they cannot be read or are missing."""
        for numbers, why in self._unreadable:
            if first <= numbers[0] <= last:
                self._missing(first, numbers[0] - 1)
                self._add_fault(
                    numbers[0], f"{_named(numbers[0], numbers[-1])} cannot be read: {why}"
                )
                first = numbers[-1] + 1
        self._missing(first, last)

    def _missing(self, first: int, last: int) -> None:
        if first <= last:
            verb = "is" if first == last else "are"
            self._add_fault(first, f"{_named(first, last)} {verb} missing")

    def _add_fault(self, number: int, message: str) -> None:
        self.faults.append(Fault(number=number, message=message))


def stray(number: object) -> Fault:
    """That there is a row with a number that no entry has."""
    return Fault(number=None, message=f"an entry has the number {number!r}, which none can have")


def twice(number: int) -> Fault:
    return Fault(number=number, message=f"entry {number} occurs more than once")


def _named(first: int, last: int) -> str:
    return f"entry {first}" if first == last else f"entries {first} to {last}"
