"""The tables of kept answers and feedback, as the newest migration leaves them."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, LargeBinary, MetaData, Table, Text

METADATA = MetaData()

ANSWERS = Table(
    "live_answers",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("trace", Text, nullable=False),
    Column("at", Text, nullable=False),
    Column("environment", Text, nullable=False),
    Column("stack", Text, nullable=False),
    Column("identity", Text, nullable=False),
    Column("tenant", Text, nullable=False),
    Column("sampled", Boolean, nullable=False),
    Column("answer", LargeBinary, nullable=False),
)
FEEDBACK = Table(
    "live_feedback",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("at", Text, nullable=False),
    Column("answer", Text, nullable=False),  # the id of the one that it is about
    Column("trace", Text, nullable=False),
    Column("environment", Text, nullable=False),
    Column("stack", Text, nullable=False),
    Column("identity", Text, nullable=False),
    Column("rating", Text, nullable=False),
    Column("comment", Text, nullable=False),
    Column("correction", Text),
    Column("tenant", Text, nullable=False),
)
