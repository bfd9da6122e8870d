"""The registry's tables, as the newest migration leaves them."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Integer, LargeBinary, MetaData, Table, Text

METADATA = MetaData()

CONTENTS = Table(
    "ledger_contents",
    METADATA,
    Column("digest", Text, primary_key=True),
    Column("bytes", LargeBinary),  # NULL where they were erased
)
ENTRIES = Table(
    "ledger_entries",
    METADATA,
    # SQLite's own row number, where it is called INTEGER
    Column("number", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("kind", Text, nullable=False),
    Column("at", Text, nullable=False),
    Column("stack", Text),
    Column("identity", Text),
    Column("environment", Text),
    Column("content", Text, ForeignKey(CONTENTS.c.digest), nullable=False),
    Column("previous", Text, unique=True),
    Column("digest", Text, unique=True, nullable=False),
)
# Beside the ledger: what is true at the moment, and nothing that happened.
GATEWAYS = Table(
    "gateways",
    METADATA,
    Column("gateway", Text, primary_key=True),
    Column("environment", Text, nullable=False),
    Column("seen", Text, nullable=False),  # as `written_time`, by the database's clock
    Column("state", Text, nullable=False),  # JSON
)
# Amounts in billionths of a USD.
SPENDING = Table(
    "spending",
    METADATA,
    Column("environment", Text, primary_key=True),
    Column("account", Text, primary_key=True),
    Column("day", Text, primary_key=True),  # of UTC, by the database's clock
    Column("gateway", Text, primary_key=True),
    Column("spent", BigInteger, nullable=False),
    Column("held", BigInteger, nullable=False),  # beyond that, and none of it after `until`
    Column("until", Text, nullable=False),  # as `written_time`
)
CONFIRMATIONS = Table(
    "confirmations",
    METADATA,
    Column("environment", Text, primary_key=True),
    Column("call", Text, primary_key=True),  # its id, which gateways sign
    Column("at", Text, nullable=False),  # as `written_time`, by the database's clock
)
