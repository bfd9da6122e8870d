"""What gateways say of themselves, and the entries of an environment found at once."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "2"
down_revision = "1"


def upgrade() -> None:
    op.create_table(
        "gateways",
        sa.Column("gateway", sa.Text, primary_key=True),
        sa.Column("environment", sa.Text, nullable=False),
        sa.Column("seen", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
    )
    op.create_index("gateways_of_environment", "gateways", ["environment", "seen"])
    op.create_index("ledger_entries_of_environment", "ledger_entries", ["environment", "number"])
