"""Corpora: documents, how they are cut and what finds them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from tetrad.canonical import Digest
from tetrad.errors import Location

if TYPE_CHECKING:
    from tetrad.model.models import Model

# What an embedder reads at once, unless its model says that it is less: longer inputs are rarely
# what it was trained on.
MOST_EMBEDDED_TOKENS = 512


@dataclass(frozen=True, kw_only=True, slots=True)
class Documents:
    """Local documents: `path` from the repository's root, `include` globs under it."""

    path: str
    include: tuple[str, ...] = ("**/*.md",)


@dataclass(frozen=True, kw_only=True, slots=True)
class Chunking:
    """Windows of `size` tokens of the embedding model that overlap by `overlap` tokens."""

    by: Literal["tokens"] = "tokens"
    size: int = 160
    overlap: int = 20


@dataclass(frozen=True, kw_only=True, slots=True)
class Hnsw:
    """A graph that finds nearly all of the nearest chunks, and looks at few; as pgvector calls it."""

    m: int = 16  # neighbours of a chunk
    ef_construction: int = 64  # candidates while a chunk is added
    ef_search: int = 100  # candidates of a query


@dataclass(frozen=True, kw_only=True, slots=True)
class Index:
    """A store, and the weights by which dense and BM25 scores are mixed."""

    store: Literal["exact", "pgvector", "qdrant"] = "exact"
    dense: float = 1.0
    bm25: float = 0.0
    hnsw: Hnsw | None = None  # None: every chunk is compared


@dataclass(frozen=True, kw_only=True, slots=True)
class Corpus:
    """Documents, how they are cut, and the model whose vectors find them."""

    ref: str
    location: Location = field(compare=False)
    description: str = ""
    owner: str = ""
    documents: Documents
    written_digest: Digest | None  # what the file says; lint compares it
    digest: Digest  # Merkle root of the documents in the tree
    chunking: Chunking = Chunking()
    embedding: Model
    index: Index = Index()
