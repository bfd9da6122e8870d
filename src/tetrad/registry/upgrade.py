"""Bringing the ledger's tables to their newest version, and refusing what is not ours or newer."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Connection, inspect, text

from tetrad.database import ENVIRONMENT
from tetrad.errors import DatabaseUnusable
from tetrad.registry.connection import APPLICATION, IF_DAMAGED, LedgerDatabase
from tetrad.registry.place import Place

NEWEST = 5  # the number of the last file in migrations/versions
# Before Alembic counted versions, SQLite did, up to 3: a higher one keeps those tetrads away.
_FOR_EARLIER = 4


def _now() -> datetime:
    return datetime.now(UTC)


def open_newest(
    place: Place, *, clock: Callable[[], datetime] = _now, if_damaged: str = IF_DAMAGED
) -> LedgerDatabase:
    """Open a registry, made where there is none, at the newest version of its tables."""
    database = LedgerDatabase(place, if_damaged=if_damaged)
    try:
        _bring_up_to_date(database, clock)
    except BaseException:
        database.close()
        raise
    return database


def _bring_up_to_date(database: LedgerDatabase, clock: Callable[[], datetime]) -> None:
    """Make the tables or migrate them."""
    with database.reading() as connection:
        if _version(database, connection) == NEWEST:
            return
    with database.writing() as connection:
        # another process may have been first, and newer
        if _version(database, connection) < NEWEST:
            _migrate(connection)
            if database.is_file:
                from tetrad.registry.earlier_runs import take_over_runs

                take_over_runs(connection, clock)
                connection.execute(text(f"PRAGMA application_id = {APPLICATION}"))
                connection.execute(text(f"PRAGMA user_version = {_FOR_EARLIER}"))


def _version(database: LedgerDatabase, connection: Connection) -> int:
    """The version of the tables, 0 where there are none; DatabaseError where they are not for us."""
    tables = inspect(connection).get_table_names()
    if "ledger_version" not in tables:
        return 0
    found = connection.execute(text("SELECT version_num FROM ledger_version")).scalars().all()
    try:
        (version,) = map(int, found)
    except (ValueError, TypeError, OverflowError) as error:  # not one number: a damaged page
        raise database.damaged("the version of its tables cannot be read") from error
    if version > NEWEST:
        raise DatabaseUnusable(
            f"{database.name}: the registry's tables have version {version}, and this tetrad knows"
            f" {NEWEST}\n  help: upgrade tetrad, or name another registry in {ENVIRONMENT}"
        )
    return version


def _migrate(connection: Connection) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    scripts = str(Path(__file__).parent / "migrations")
    config.set_main_option("script_location", scripts.replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
