"""What Alembic runs: the migrations, within the transaction of whoever opens the ledger."""

from __future__ import annotations

from alembic import context

context.configure(
    connection=context.config.attributes["connection"],
    version_table="ledger_version",
    transactional_ddl=True,
)
context.run_migrations()
