"""The registry's one class: a SQLite file in WAL mode that several processes read and write.

`synchronous` is NORMAL: what is committed survives the death of any process (kill -9 included);
only a power cut may take the last commits back, whole, and their answers are asked again. FULL
would wait for the disk at each commit to save nothing that cannot be had again.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self, TypeAlias

from tetrad.canonical import Digest, digest_bytes
from tetrad.errors import RegistryError
from tetrad.places import refuse_links
from tetrad.registry.claims import CLAIMS, Claims
from tetrad.registry.codec import dump_completion, dump_outcome, load_completion, load_outcome
from tetrad.registry.schema import migrate, refuse_others
from tetrad.results.exchange import Completion
from tetrad.results.outcome import Calls, CaseOutcome
from tetrad.writing import make_folder, replace_file

ENVIRONMENT = "TETRAD_REGISTRY"
# How long a process waits for another one's commit; commits are groups of milliseconds.
BUSY_TIMEOUT_S = 30.0
# Answers that are held back at most before they are committed together.
GROUP = 256
# SQLite takes 32,766 parameters a statement.
KEYS_A_QUERY = 10_000

_KEEP_ANSWER = """
    INSERT INTO answers (model, build, request, completion, digest, created)
    VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (model, request, build) DO NOTHING"""
_KEEP_BUILD = "INSERT OR REPLACE INTO builds (digest, build) VALUES (?, ?)"
_Key: TypeAlias = tuple[bytes, bytes, bytes]  # of model, build and request
_SELECT_ANSWERS = "SELECT request, completion, digest FROM answers WHERE model = ? AND build = ?"
# Rows are numbered as they are written, so the last one is the latest.
_LATEST_BUILD = """
    SELECT builds.digest, builds.build FROM answers JOIN builds ON builds.digest = answers.build
    WHERE model = ? AND request = ? ORDER BY answers.rowid DESC LIMIT 1"""
_KEEP_RESULT = 'INSERT OR REPLACE INTO results (run, position, "case", outcome) VALUES (?, ?, ?, ?)'


def registry_path(root: Path) -> Path:
    """`TETRAD_REGISTRY`, or `.tetrad/registry.db` under the repository's root."""
    named = os.environ.get(ENVIRONMENT)
    return Path(named) if named else root / ".tetrad" / "registry.db"


def files_of(path: Path) -> tuple[Path, ...]:
    """The files that SQLite reads as one database, and that of the claims."""
    endings = ("", "-wal", "-shm", "-journal", CLAIMS)
    return tuple(path.with_name(f"{path.name}{ending}") for ending in endings)


@dataclass(frozen=True, kw_only=True, slots=True)
class RunRecord:
    """What was executed: one suite against one identity, and what answered, in words."""

    suite: str
    stack: str
    identity: Digest
    golden: Digest
    engine: str


class Registry:
    """Answers, runs and results; used from the thread that opened it.

    Answers are held back and committed in groups: `commit` says when, and every full group commits
    itself. What is held back is found by the lookups all the same.
    """

    def __init__(
        self, connection: sqlite3.Connection, path: Path, clock: Callable[[], float]
    ) -> None:
        self.path = path
        self.corrupt = 0  # entries that could not be used, and were taken for absent
        self._connection = connection
        self._clock = clock
        self._held: dict[_Key, bytes] = {}
        self._builds: dict[str, bytes] = {}  # their digests
        self.claims = Claims(path.with_name(f"{path.name}{CLAIMS}"))

    @classmethod
    def open(cls, path: Path, *, clock: Callable[[], float] = time.time) -> Self:
        """Open the file, made where it is absent, at the newest version of its tables."""
        make_kept_folder(path.parent)
        for file in files_of(path):
            refuse_links(file)
        with _explained(path):
            connection = sqlite3.connect(path, timeout=BUSY_TIMEOUT_S, isolation_level=None)
            try:
                _prepare(connection)
            except BaseException:
                connection.close()
                raise
        return cls(connection, path, clock)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Commit what is held back and let go of the file."""
        try:
            self.commit()
        finally:
            self.claims.close()
            self._connection.close()

    # -- answers

    def keep(self, model: Digest, build: str, request: Digest, completion: Completion) -> None:
        """Hold an answer for the next commit; the first answer to a question stays."""
        self._held[self._key(model, build, request)] = dump_completion(completion)
        if len(self._held) >= GROUP:
            self.commit()

    def answer(self, model: Digest, build: str, request: Digest) -> Completion | None:
        """The kept answer of a model to a request, computed by a build; None where there is none,
        or one that cannot be used, which makes room for the next.
        """
        key = self._key(model, build, request)
        held = self._held.get(key)
        if held is not None:
            return load_completion(held)
        try:
            row = self._connection.execute(f"{_SELECT_ANSWERS} AND request = ?", key).fetchone()
        except sqlite3.Error as error:  # not by `_explained`: this runs once a request
            raise _explanation(self.path, error) from error
        if row is None:
            return None
        _, data, digest = row
        completion = self._loaded(key, data, digest)
        if completion is None:
            self.forget(model, build, request)
        return completion

    def forget(self, model: Digest, build: str, request: Digest) -> None:
        """Drop a kept answer, so that the next one is kept in its place."""
        key = self._key(model, build, request)
        self._held.pop(key, None)
        with self._transaction():
            self._connection.execute(
                "DELETE FROM answers WHERE model = ? AND build = ? AND request = ?", key
            )

    def kept(self, model: Digest, build: str, requests: Iterable[Digest]) -> frozenset[Digest]:
        """Those of the requests whose answers need not be asked for."""
        keys = {self._key(model, build, request): request for request in requests}
        found = {keys[key] for key in keys if key in self._held}
        for key, completion, digest in self._rows(keys):
            if self._loaded(key, completion, digest) is not None:
                found.add(keys[key])
        return frozenset(found)

    def build_of(self, model: Digest, request: Digest) -> str | None:
        """What computed the latest committed answer of a model to a request; None without any."""
        with _explained(self.path):
            row = self._connection.execute(_LATEST_BUILD, (model.value, request.value)).fetchone()
        if row is None:
            return None
        digest, build = row
        sound = isinstance(build, bytes) and digest_bytes(build).value == digest
        return build.decode() if sound else None

    # -- runs and results

    def start_runs(self, records: Sequence[RunRecord]) -> list[int]:
        """Note that suites are about to run, together; the numbers name the runs from now on."""
        now = self._clock()
        with self._transaction():
            cursors = [
                self._connection.execute(
                    "INSERT INTO runs (suite, stack, identity, golden, engine, started)"
                    " VALUES (?, ?, ?, ?, ?, ?)",
                    (*_subject(record), now),
                )
                for record in records
            ]
        return [int(cursor.lastrowid or 0) for cursor in cursors]

    def keep_results(self, run: int, outcomes: Iterable[tuple[int, CaseOutcome]]) -> None:
        """Commit outcomes of a run, each with its position in the golden set, and all held answers."""
        rows = [(run, position, o.id, dump_outcome(o)) for position, o in outcomes]
        with self._transaction():
            self._write_held()
            self._connection.executemany(_KEEP_RESULT, rows)
        self._held.clear()

    def finish_run(self, run: int, record: RunRecord, calls: Calls, *, replaces: bool) -> None:
        """Note a run's end. Where it `replaces` the subject's earlier runs, their results go: they
        are the bulk of history, and every one of them can be had again from the answers.
        """
        with self._transaction():
            self._connection.execute(
                "UPDATE runs SET finished = ?, made = ?, cached = ? WHERE id = ?",
                (self._clock(), calls.made, calls.cached, run),
            )
            if replaces:
                self._connection.execute(
                    "DELETE FROM results WHERE run IN (SELECT id FROM runs WHERE id < ?"
                    " AND suite = ? AND stack = ? AND identity = ? AND golden = ? AND engine = ?)",
                    (run, *_subject(record)),
                )

    def results(self, run: int) -> tuple[CaseOutcome, ...]:
        """A run's outcomes in the golden set's order, without traces."""
        with _explained(self.path):
            rows = self._connection.execute(
                "SELECT outcome FROM results WHERE run = ? ORDER BY position", (run,)
            ).fetchall()
        return tuple(load_outcome(outcome) for (outcome,) in rows)

    def seconds_a_call(self, stack: str, engine: str) -> float | None:
        """How long a call for a stack took of late on a kind of engine; None where none was made.

        Runs that started together share the time by their calls, other stacks' runs included. Half
        of the latest calls were at least so quick: a machine that was busy once does not count.
        """
        with _explained(self.path):
            paces = self._connection.execute(
                "SELECT (max(finished) - started) / sum(made) AS pace,"
                " sum(made) FILTER (WHERE stack = ?) AS own FROM runs WHERE finished IS NOT NULL"
                " AND made > 0 AND (engine = ? OR engine LIKE ? || ' %')"
                # A clock that was set back meanwhile measured nothing.
                " GROUP BY started HAVING own > 0 AND pace >= 0 ORDER BY started DESC LIMIT 5",
                (stack, engine, engine),
            ).fetchall()
        calls = [pace for pace, own in sorted(paces) for _ in range(own)]
        return calls[(len(calls) - 1) // 2] if calls else None

    # -- committing

    def commit(self) -> None:
        """Commit what is held back. On failure it stays held, and the next commit tries again."""
        if not self._held:
            return
        with self._transaction():
            self._write_held()
        self._held.clear()

    def _write_held(self) -> None:
        now = int(self._clock())
        builds = [(digest, build) for build, digest in self._builds.items()]
        self._connection.executemany(_KEEP_BUILD, builds)
        self._connection.executemany(
            _KEEP_ANSWER,
            [(*key, data, _entry_digest(key, data), now) for key, data in self._held.items()],
        )

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with _explained(self.path):
            # IMMEDIATE takes the write lock at once: a later upgrade could not wait for it.
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    # -- entries and their digests

    def _key(self, model: Digest, build: str, request: Digest) -> _Key:
        digest = self._builds.get(build)
        if digest is None:
            digest = self._builds[build] = digest_bytes(build.encode()).value
        return (model.value, digest, request.value)

    def _rows(self, keys: Collection[_Key]) -> Iterator[tuple[_Key, object, object]]:
        """The entries of keys of one model and build."""
        wanted = list(keys)
        for start in range(0, len(wanted), KEYS_A_QUERY):
            part = wanted[start : start + KEYS_A_QUERY]
            model, build, _ = part[0]
            marks = ",".join("?" * len(part))
            query = f"{_SELECT_ANSWERS} AND request IN ({marks})"
            requests = [request for _, _, request in part]
            with _explained(self.path):
                rows = self._connection.execute(query, (model, build, *requests)).fetchall()
            for request, completion, digest in rows:
                yield (model, build, request), completion, digest

    def _loaded(self, key: _Key, data: object, digest: object) -> Completion | None:
        """The entry's answer; None where it does not match its digest, or is not read any more."""
        # A flipped bit can also make a value a number.
        if isinstance(data, bytes) and digest == _entry_digest(key, data):
            with suppress(ValueError):
                return load_completion(data)
        self.corrupt += 1
        return None


def _prepare(connection: sqlite3.Connection) -> None:
    # A flipped bit can make a blob a text, and its decoding an error: digests judge the bytes.
    connection.text_factory = bytes
    refuse_others(connection)
    _switch_to_wal(connection)
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("PRAGMA foreign_keys = ON")
    migrate(connection)
    # A file that cannot be written is found now, not after the first hundred calls were paid for.
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("ROLLBACK")


def _switch_to_wal(connection: sqlite3.Connection) -> None:
    """Two processes that make one new file: the switch does not wait, whatever the timeout says."""
    deadline = time.monotonic() + BUSY_TIMEOUT_S
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            return


def make_kept_folder(folder: Path) -> None:
    """Make the folder of what is kept, where it is absent; Git is told to leave it alone."""
    refuse_links(folder)
    if folder.is_dir():
        return
    try:
        make_folder(folder)
        # The folder is this machine's; without this it would make every tree dirty.
        replace_file(folder / ".gitignore", b"*\n")
    except OSError as error:
        raise RegistryError(
            f"{folder}: the folder cannot be made: {error.strerror}\n"
            f"  help: name a file elsewhere in {ENVIRONMENT}"
        ) from error


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """SQLite's errors as one sentence about the file, with what to do."""
    try:
        yield
    except sqlite3.Error as error:
        raise _explanation(path, error) from error
    except UnicodeDecodeError as error:
        # SQLite quotes a damaged schema in what it says of it, and Python reads that as UTF-8.
        raise _explanation(path, sqlite3.DatabaseError("malformed database schema")) from error
    except RegistryError as error:
        raise RegistryError(f"{path}: {error}") from error


def _explanation(path: Path, error: sqlite3.Error) -> RegistryError:
    return RegistryError(f"{path}: {error}\n  help: {_help(path, str(error))}")


def _help(path: Path, message: str) -> str:
    if "malformed" in message or "not a database" in message:
        return (
            f"the file is damaged; move it away (mv {path} {path}.broken), answers are asked again"
        )
    if "readonly" in message or "unable to open" in message:
        return f"make the file and its folder writable, or name another in {ENVIRONMENT}"
    if "locked" in message:
        return f"another process held it for {BUSY_TIMEOUT_S:.0f} s; end that process and try again"
    if "full" in message or "I/O" in message:
        return "free some room on the disk and run again: what was committed is not asked again"
    return f"name another file in {ENVIRONMENT}, and send us this message"


def _entry_digest(key: _Key, data: bytes) -> bytes:
    return digest_bytes(b"".join((*key, data))).value


def _subject(record: RunRecord) -> Sequence[str | bytes]:
    return (
        record.suite,
        record.stack,
        record.identity.value,
        record.golden.value,
        record.engine,
    )
