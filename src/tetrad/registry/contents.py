"""Contents in the tables by their digests, within the transaction of whoever reads or writes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from sqlalchemy import Connection, select, update

from tetrad.canonical import Digest
from tetrad.registry.inserting import insert_into
from tetrad.registry.ledger_tables import CONTENTS

_AT_ONCE = 100  # digests in one query


def keep_contents(connection: Connection, contents: Mapping[Digest, bytes]) -> None:
    there = contents_there(connection, contents)  # a corpus is not sent again for each identity
    keep = insert_into(connection, CONTENTS)
    # What was erased and is appended again can be read again.
    keep = keep.on_conflict_do_update(
        index_elements=[CONTENTS.c.digest],
        set_={"bytes": keep.excluded.bytes},
        where=CONTENTS.c.bytes.is_(None),
    )
    new = [(digest, data) for digest, data in contents.items() if digest not in there]
    if new:
        connection.execute(keep, [{"digest": str(digest), "bytes": data} for digest, data in new])


def contents_there(connection: Connection, digests: Iterable[Digest]) -> set[Digest]:
    """Those of the digests whose bytes are there."""
    found: set[Digest] = set()
    for part in _parts(digests):
        query = select(CONTENTS.c.digest).where(CONTENTS.c.bytes.is_not(None))
        query = query.where(CONTENTS.c.digest.in_(part))
        found.update(map(Digest.parse, connection.execute(query).scalars()))
    return found


def read_contents(
    connection: Connection, digests: Iterable[Digest]
) -> Iterator[tuple[Digest, bytes]]:
    """The bytes as they are stored behind each of the digests that has some."""
    for part in _parts(digests):
        query = select(CONTENTS.c.digest, CONTENTS.c.bytes).where(CONTENTS.c.bytes.is_not(None))
        for digest, data in connection.execute(query.where(CONTENTS.c.digest.in_(part))):
            yield Digest.parse(digest), data


def erase_content(connection: Connection, digest: Digest) -> bool:
    """Whether there were bytes to erase."""
    here = update(CONTENTS).where(CONTENTS.c.digest == str(digest), CONTENTS.c.bytes.is_not(None))
    return connection.execute(here.values(bytes=None)).rowcount > 0


def _parts(digests: Iterable[Digest]) -> Iterator[Sequence[str]]:
    written = [str(digest) for digest in dict.fromkeys(digests)]
    for start in range(0, len(written), _AT_ONCE):
        yield written[start : start + _AT_ONCE]
