"""Connections to a PostgreSQL server: its address, and a pool that outlives a restart of it."""

from __future__ import annotations

from sqlalchemy import URL, Engine, create_engine, make_url
from sqlalchemy.exc import ArgumentError

from tetrad.errors import UsageError

_CONNECT_TIMEOUT_S = 10
# Of what is sent and not acknowledged: else the system goes on for minutes once the network is gone,
# and a gateway that follows a pointer comes back as late.
_UNACKNOWLEDGED_MS = 10_000


def read_address(written: str, variable: str) -> URL:
    """What an environment variable says; UsageError where that is no address."""
    try:
        return make_url(written).set(drivername="postgresql+psycopg")
    except (ArgumentError, ValueError) as error:
        # not what the library says, which quotes the password
        raise UsageError(
            f"{variable}: not an address\n"
            "  help: postgresql://USER@HOST:PORT/DATABASE; percent-encode what is special in a part"
        ) from error


def shown(url: URL) -> str:
    """An address without its password, for messages."""
    return url.set(drivername="postgresql").render_as_string(hide_password=True)


def connections(url: URL) -> Engine:
    """A pool of connections; ImportError where the driver is not installed."""
    import psycopg  # noqa: F401 - tells whether the driver is there

    return create_engine(
        url,
        pool_pre_ping=True,
        connect_args={
            "connect_timeout": _CONNECT_TIMEOUT_S,
            "tcp_user_timeout": _UNACKNOWLEDGED_MS,
            "application_name": "tetrad",
        },
    )
