"""Which calls of destructive tools were confirmed and made, so that none is made twice."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "5"
down_revision = "4"


def upgrade() -> None:
    op.create_table(
        "confirmations",
        sa.Column("environment", sa.Text, primary_key=True),
        sa.Column("call", sa.Text, primary_key=True),
        sa.Column("at", sa.Text, nullable=False),
    )
