"""Live answers and feedback, which can be erased, beside the ledger."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "3"
down_revision = "2"


def upgrade() -> None:
    op.create_table(
        "live_answers",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("trace", sa.Text, nullable=False),
        sa.Column("at", sa.Text, nullable=False),
        sa.Column("environment", sa.Text, nullable=False),
        sa.Column("stack", sa.Text, nullable=False),
        sa.Column("identity", sa.Text, nullable=False),
        sa.Column("tenant", sa.Text, nullable=False),
        sa.Column("sampled", sa.Boolean, nullable=False),
        sa.Column("answer", sa.LargeBinary, nullable=False),
    )
    op.create_index("live_answers_of_stack", "live_answers", ["environment", "stack", "at"])
    op.create_index("live_answers_of_trace", "live_answers", ["trace"])
    op.create_table(
        "live_feedback",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("at", sa.Text, nullable=False),
        sa.Column("answer", sa.Text, nullable=False),
        sa.Column("trace", sa.Text, nullable=False),
        sa.Column("environment", sa.Text, nullable=False),
        sa.Column("stack", sa.Text, nullable=False),
        sa.Column("identity", sa.Text, nullable=False),
        sa.Column("rating", sa.Text, nullable=False),
        sa.Column("comment", sa.Text, nullable=False),
        sa.Column("correction", sa.Text),
        sa.Column("tenant", sa.Text, nullable=False),
    )
    op.create_index("live_feedback_of_trace", "live_feedback", ["trace"])
