"""The chain of entries, and the contents beside it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "1"
down_revision = None

_SQLITE = """
CREATE TRIGGER ledger_entries_{name} BEFORE {event} ON ledger_entries
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END"""
_POSTGRES_FUNCTION = """
CREATE FUNCTION ledger_is_append_only() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'the ledger is append-only'; END $$"""
_POSTGRES = """
CREATE TRIGGER ledger_entries_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_entries
FOR EACH STATEMENT EXECUTE FUNCTION ledger_is_append_only()"""


def upgrade() -> None:
    op.create_table(
        "ledger_contents",
        sa.Column("digest", sa.Text, primary_key=True),
        sa.Column("bytes", sa.LargeBinary),
    )
    op.create_table(
        "ledger_entries",
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("at", sa.Text, nullable=False),
        sa.Column("stack", sa.Text),
        sa.Column("identity", sa.Text),
        sa.Column("environment", sa.Text),
        sa.Column("content", sa.Text, sa.ForeignKey("ledger_contents.digest"), nullable=False),
        sa.Column("previous", sa.Text, unique=True),
        sa.Column("digest", sa.Text, unique=True, nullable=False),
    )
    for column in ("stack", "identity", "kind"):
        op.create_index(f"ledger_entries_of_{column}", "ledger_entries", [column, "number"])
    # Against mistakes; whoever owns the database can drop a trigger, and the chain shows it.
    if op.get_bind().dialect.name == "sqlite":
        op.execute(_SQLITE.format(name="updated", event="UPDATE"))
        op.execute(_SQLITE.format(name="deleted", event="DELETE"))
    else:
        op.execute(_POSTGRES_FUNCTION)
        op.execute(_POSTGRES)
