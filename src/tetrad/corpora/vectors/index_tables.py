"""The tables of the vector store: one that lists the indexes, and two for each index.

Texts are kept as bytes of UTF-8, since PostgreSQL's own texts hold no NUL character and may have
another encoding.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from pgvector.sqlalchemy import VECTOR
from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    func,
)

from tetrad.canonical import Digest

# An index is there once it is `finished`: readers look at no other.
INDEXES = Table(
    "tetrad_indexes",
    MetaData(),
    Column("digest", Text, primary_key=True),
    Column("corpus", Text, nullable=False),  # for people
    Column("embedding", Text, nullable=False),
    Column("build", Text, nullable=False),  # what computed the vectors
    Column("dimensions", Integer, nullable=False),
    Column("chunks", BigInteger, nullable=False),
    Column("content", Text),
    Column("begun", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("finished", DateTime(timezone=True)),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class KeptIndex:
    """An index as the list has it."""

    index: Digest
    corpus: str
    dimensions: int
    chunks: int
    build: str
    content: Digest | None
    finished: datetime | None
    tables: IndexTables = field(compare=False)


class IndexTables:
    """The tables of one index."""

    def __init__(self, index: Digest, dimensions: int) -> None:
        name = index.hex[:40]  # an identifier of PostgreSQL has 63 bytes
        metadata = MetaData()
        self.chunks = Table(
            f"tetrad_chunks_{name}",
            metadata,
            Column("position", Integer, primary_key=True, autoincrement=False),
            Column("document", LargeBinary, nullable=False),
            Column("number", Integer, nullable=False),
            Column("text", LargeBinary, nullable=False),
            Column("key", LargeBinary, nullable=False),  # of the text's vector
            Column("embedding", VECTOR(dimensions), nullable=False),
        )
        # Of each word, by its digest: the chunks that have it, and the BM25 score that it gives them.
        self.words = Table(
            f"tetrad_words_{name}",
            metadata,
            Column("word", LargeBinary, primary_key=True),
            Column("positions", LargeBinary, nullable=False),  # int32, little-endian
            Column("scores", LargeBinary, nullable=False),  # float32, little-endian
        )
        self.all = metadata
