"""The time by the clock of the registry's database, which all who share it agree on."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, literal_column

_NOW: dict[str, str] = {
    "sqlite": "strftime('%Y-%m-%dT%H:%M:%f', 'now') || '000Z'",
    "postgresql": (
        "to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"
    ),
}


def clock_of(connection: Connection) -> Any:
    """SQL for the time now, as `written_time` writes it."""
    return literal_column(_NOW[connection.dialect.name])
