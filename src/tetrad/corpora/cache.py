"""What was computed once from a text: vectors and token offsets, kept by digest.

One SQLite file in the cache folder, shared by processes. An entry carries its own digest, so one
that was damaged is not found, and computed again; a file that is no database any more is begun
anew. What is kept can always be computed again, so nothing here is synced to disk with care.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

from tetrad.canonical import Digest, digest_bytes
from tetrad.errors import ArtifactError
from tetrad.places import refuse_links
from tetrad.writing import make_folder

FILE = "embeddings.v2.db"

_BUSY_S = 60.0
_AT_ONCE = 500  # keys in one query
# Primary result codes of SQLite that speak of the machine, not of the file's content.
_NOT_DAMAGE = frozenset(
    (
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_READONLY,
    )
)
_SCHEMA = """
CREATE TABLE IF NOT EXISTS entries (key BLOB PRIMARY KEY, data BLOB, digest BLOB) WITHOUT ROWID
"""


class Cache:
    """Bytes by digest."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE

    def read(self, keys: Iterable[Digest]) -> dict[Digest, bytes]:
        """The sound entries among `keys`."""
        wanted = {key.value: key for key in keys}
        if not wanted or not self._path.exists():
            return {}
        try:
            with self._connection() as connection:
                rows = list(_select(connection, list(wanted)))
        except sqlite3.DatabaseError as error:
            self._begin_anew(error)
            return {}
        return {
            wanted[key]: data
            for key, data, digest in rows
            if isinstance(data, bytes) and digest == _entry_digest(key, data)
        }

    def write(self, entries: Mapping[Digest, bytes]) -> None:
        rows = [(key.value, data, _entry_digest(key.value, data)) for key, data in entries.items()]
        try:
            self._insert(rows)
        except sqlite3.DatabaseError as error:
            self._begin_anew(error)
            self._insert(rows)

    def _insert(self, rows: list[tuple[bytes, bytes, bytes]]) -> None:
        make_folder(self._path.parent)
        with self._connection() as connection, connection:
            connection.execute(_SCHEMA)
            connection.executemany("INSERT OR REPLACE INTO entries VALUES (?, ?, ?)", rows)

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        for ending in ("", "-journal"):
            refuse_links(self._path.with_name(f"{FILE}{ending}"))
        with closing(sqlite3.connect(self._path, timeout=_BUSY_S)) as connection:
            # A flipped bit can make a blob a text, and its decoding an error: digests judge the bytes.
            connection.text_factory = bytes
            connection.execute("PRAGMA synchronous = OFF")
            yield connection

    def _begin_anew(self, error: sqlite3.DatabaseError) -> None:
        """Drop a file that is damaged; what else goes wrong is the user's to fix."""
        if error.sqlite_errorcode & 0xFF in _NOT_DAMAGE:
            raise ArtifactError(
                f"{self._path} cannot be used: {error}\n"
                "  help: make room or grant access, or name another cache folder by TETRAD_CACHE"
            ) from error
        for suffix in ("", "-journal"):
            self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)


def _select(
    connection: sqlite3.Connection, keys: list[bytes]
) -> Iterator[tuple[bytes, object, object]]:
    if connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'entries'").fetchone() is None:
        return
    for start in range(0, len(keys), _AT_ONCE):
        part = keys[start : start + _AT_ONCE]
        marks = ",".join("?" * len(part))
        yield from connection.execute(
            f"SELECT key, data, digest FROM entries WHERE key IN ({marks})",  # noqa: S608 - marks only
            part,
        )


def _entry_digest(key: bytes, data: bytes) -> bytes:
    return digest_bytes(key + data).value
