"""The kept answers: found by what was asked, checked by their digests, committed in groups."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Self, TypeAlias

from tetrad.answers.cache_tables import TABLES
from tetrad.answers.claims import CLAIMS, QuestionLocks
from tetrad.answers.earlier import take_over
from tetrad.answers.written import dump_completion, load_completion
from tetrad.canonical import Digest, digest_bytes
from tetrad.database import Closing, Database, files_of, named_file
from tetrad.results.exchange import Completion

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


def answers_path(root: Path) -> Path:
    """`.tetrad/answers.db` under the repository's root, or NAME-answers.db beside a file NAME.db that
    `TETRAD_REGISTRY` names.
    """
    registry = named_file()
    if registry is None:
        return root / ".tetrad" / "answers.db"
    return registry.with_name(f"{registry.stem}-answers{registry.suffix}")


def answers_files(path: Path) -> tuple[Path, ...]:
    """The files of one database of answers, and that of the claims."""
    return (*files_of(path), path.with_name(f"{path.name}{CLAIMS}"))


class Answers(Closing):
    """Answers by model, build and request; used from the thread that opened them.

    They are held back and committed in groups: `commit` says when, and every full group commits
    itself. What is held back is found by the lookups all the same.
    """

    def __init__(self, database: Database, clock: Callable[[], float]) -> None:
        self.path = database.path
        self.corrupt = 0  # entries that could not be used, and were taken for absent
        self._database = database
        self._clock = clock
        self._held: dict[_Key, bytes] = {}
        self._builds: dict[str, bytes] = {}  # their digests
        self._claims = QuestionLocks(answers_files(database.path)[-1])

    @classmethod
    def open(
        cls,
        path: Path,
        *,
        earlier: Path | None = None,
        clock: Callable[[], float] = time.time,
    ) -> Self:
        """Open the file, made where it is absent, with the answers that an `earlier` version kept in
        its registry.
        """
        database = Database(path, TABLES)
        try:
            if earlier is not None:
                take_over(database, earlier)
            return cls(database, clock)
        except BaseException:
            database.close()
            raise

    def close(self) -> None:
        """Commit what is held back and let go of the file."""
        try:
            self.commit()
        finally:
            self._claims.close()
            self._database.close()

    # -- looking up and keeping

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
        connection = self._database.connection
        try:
            row = connection.execute(f"{_SELECT_ANSWERS} AND request = ?", key).fetchone()
        except sqlite3.Error as error:  # not by `explained`: this runs once a request
            raise self._database.explanation(error) from error
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
        with self._database.transaction():
            self._database.connection.execute(
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
        with self._database.explained():
            row = self._database.connection.execute(
                _LATEST_BUILD, (model.value, request.value)
            ).fetchone()
        if row is None:
            return None
        digest, build = row
        sound = isinstance(build, bytes) and digest_bytes(build).value == digest
        return build.decode() if sound else None

    # -- one question, several processes

    def claim(self, question: bytes) -> bool:
        """Whether the question is this process's to ask; else another one asks it."""
        return self._claims.take(question)

    def release(self, question: bytes) -> None:
        self._claims.drop(question)

    # -- committing

    def commit(self) -> None:
        """Commit what is held back. On failure it stays held, and the next commit tries again."""
        if not self._held:
            return
        now = int(self._clock())
        builds = [(digest, build) for build, digest in self._builds.items()]
        with self._database.transaction():
            self._database.connection.executemany(_KEEP_BUILD, builds)
            self._database.connection.executemany(
                _KEEP_ANSWER,
                [(*key, data, _entry_digest(key, data), now) for key, data in self._held.items()],
            )
        self._held.clear()

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
            with self._database.explained():
                rows = self._database.connection.execute(
                    query, (model, build, *requests)
                ).fetchall()
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


def _entry_digest(key: _Key, data: bytes) -> bytes:
    return digest_bytes(b"".join((*key, data))).value
