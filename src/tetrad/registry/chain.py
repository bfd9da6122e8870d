"""Whether a chain of entries is whole: pure, so that any copy of them can be checked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TypeAlias

from tetrad.canonical import Digest
from tetrad.identity import read_identity
from tetrad.registry.entry import Entry, Fault, Head

# An entry as it is stored: the columns of the table, in order, the recorded digest last.
Row: TypeAlias = Sequence[object]


_UNREADABLE = object()  # stands for the digest of a row that cannot be read


class NotAnEntry(Exception):
    """A row whose digest is not that of what it says."""

    def __init__(self, number: object) -> None:
        super().__init__(f"entry {number} is not what was appended")


def row_of(entry: Entry) -> dict[str, object]:
    """The columns of an entry's row."""
    return {**entry.document(), "digest": str(entry.digest)}


def entry_of(row: Row) -> Entry:
    """The entry that a row holds; NotAnEntry where its digest is not that of what it says."""
    number, kind, at, stack, identity, environment, content, previous, digest = row
    if not isinstance(number, int) or not all(isinstance(x, str) for x in (kind, at, content)):
        raise NotAnEntry(number)
    if not all(x is None or isinstance(x, str) for x in (stack, identity, environment, previous)):
        raise NotAnEntry(number)
    try:
        entry = Entry(
            number=number,
            kind=str(kind),
            at=str(at),
            stack=None if stack is None else str(stack),
            identity=None if identity is None else read_identity(str(identity)),
            environment=None if environment is None else str(environment),
            content=Digest.parse(str(content)),
            previous=None if previous is None else Digest.parse(str(previous)),
        )
        is_sound = digest == str(entry.digest)
    except ValueError as error:
        raise NotAnEntry(number) from error
    if not is_sound:
        raise NotAnEntry(number)
    return entry


class ChainCheck:
    """Looks at the rows of a ledger in order, and collects what is wrong with them."""

    def __init__(self, heads: Iterable[Head] = ()) -> None:
        self.faults: list[Fault] = []
        self._heads: dict[int, set[Digest]] = {}
        for head in heads:
            self._heads.setdefault(head.number, set()).add(head.digest)
        self._last = 0
        self._recorded: object = None  # the digest that the last row names as its own

    def entries(self, rows: Iterable[Row]) -> Iterator[Entry]:
        """The sound entries among the rows that follow."""
        for row in rows:
            number = row[0]
            if not isinstance(number, int):  # SQLite keeps any value where a bit flips
                continue
            follows = number == self._last + 1
            if not follows:
                self._absent(self._last + 1, number - 1)
            elif self._recorded is not _UNREADABLE and row[7] != self._recorded:
                self._say(number, f"entry {number} does not follow entry {number - 1}")
            try:
                entry = entry_of(row)
            except NotAnEntry as error:
                self._say(number, f"{error}: its digest differs")
            else:
                self._meet(entry)
                yield entry
            self._last, self._recorded = number, row[8]

    def unreadable(self, number: int, why: str) -> None:
        """Note a row that the database does not give."""
        self._say(number, f"entry {number} cannot be read: {why}")
        self._last, self._recorded = number, _UNREADABLE

    def finish(self) -> None:
        """Say which known heads lie beyond the last row."""
        for number in sorted(number for number in self._heads if number > self._last):
            self._say(
                self._last + 1,
                f"the ledger ends with entry {self._last}, but entry {number} was signed:"
                " it is an older copy, or entries were removed",
            )

    def _meet(self, entry: Entry) -> None:
        known = self._heads.get(entry.number)
        if known is not None and known != {entry.digest}:
            self._say(
                entry.number,
                f"entry {entry.number} is not the one that was signed:"
                " the ledger was rewritten, there or before",
            )

    def _absent(self, first: int, last: int) -> None:
        if first == last:
            self._say(first, f"entry {first} is missing")
        elif first < last:
            self._say(first, f"entries {first} to {last} are missing")

    def _say(self, number: int, message: str) -> None:
        self.faults.append(Fault(number=number, message=message))
