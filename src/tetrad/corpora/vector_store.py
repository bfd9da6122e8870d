"""The vector store: a PostgreSQL server with pgvector, which holds the index of a corpus by its digest.

An index is shared by every identity that uses the corpus: neither the weights of its scores nor how
many candidates a query looks at are part of it.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING

from tetrad.artifacts.progress import Progress, Unwatched
from tetrad.canonical import Digest, digest_of
from tetrad.corpora.chunks import Chunk
from tetrad.corpora.embeddings import CachedEmbedder
from tetrad.errors import MissingExtra, StoreUnavailable, UsageError
from tetrad.identity import RUNTIME, component_digest
from tetrad.model import Corpus

if TYPE_CHECKING:
    from tetrad.corpora.vectors.index_tables import KeptIndex
    from tetrad.corpora.vectors.searching import PgvectorIndex
    from tetrad.corpora.vectors.server import Server

ENVIRONMENT = "TETRAD_VECTOR_STORE"
PASSWORD = "TETRAD_VECTOR_STORE_PASSWORD"  # noqa: S105 - a variable's name
_AGAIN_S = 0.5
_LAYOUT = 1  # of the tables
_SCHEMES = ("postgresql://", "postgres://")


def index_digest(corpus: Corpus) -> Digest:
    """What decides the rows of a corpus's index."""
    chunking, hnsw = corpus.chunking, corpus.index.hnsw
    return digest_of(
        {
            "kind": "index",
            "layout": _LAYOUT,
            "runtime": RUNTIME,
            "documents": str(corpus.digest),
            "chunking": {"by": chunking.by, "size": chunking.size, "overlap": chunking.overlap},
            "embedding": str(component_digest(corpus.embedding)),
            "words": corpus.index.bm25 > 0,
            "hnsw": None if hnsw is None else [hnsw.m, hnsw.ef_construction],
        }
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Made:
    """An index that is there."""

    index: Digest
    chunks: int
    dimensions: int
    is_new: bool  # built now


class VectorStore:
    """The server that `TETRAD_VECTOR_STORE` names, connected at first use; threads share it."""

    def __init__(
        self,
        environment: Mapping[str, str] = os.environ,
        *,
        builds: bool = True,
        progress: Progress | None = None,
    ) -> None:
        """`builds` says whether an index that is missing is made, or only read where it is there."""
        self.builds = builds
        self._environment = environment
        self._progress = progress or Unwatched()
        self._lock = Lock()
        self._server: Server | None = None

    def index(
        self, corpus: Corpus, chunks: Callable[[], Sequence[Chunk]], embedder: CachedEmbedder
    ) -> PgvectorIndex:
        """The index of a corpus; `chunks` is asked where it has to be made.

        IndexMissing where it may not be made, StoreUnavailable where the server does not answer.
        """
        from tetrad.corpora.vectors.searching import PgvectorIndex

        server, digest = self.server, index_digest(corpus)
        entry = server.find(digest)
        if entry is None and self.builds:
            entry = self._build(corpus, chunks, embedder)
        if entry is None:
            raise server.missing(corpus, digest)
        return PgvectorIndex(server, entry, corpus, embedder)

    def make(
        self, corpus: Corpus, chunks: Callable[[], Sequence[Chunk]], embedder: CachedEmbedder
    ) -> Made:
        """Build the index of a corpus, or verify the one that is there.

        One that does not hold any more what was built is built again.
        """
        from tetrad.corpora.vectors.checking import IndexDamaged, verify

        server = self.server
        entry = there = server.find(index_digest(corpus))
        if there is not None:
            try:
                server.retried(lambda connection: verify(connection, there))
            except IndexDamaged as error:
                self._progress.note(f"{corpus.ref}: {error}; building it again")
                entry = None
        made = entry or self._build(corpus, chunks, embedder, instead=there)
        return Made(
            index=made.index, chunks=made.chunks, dimensions=made.dimensions, is_new=entry is None
        )

    def prune(self, kept: Collection[Digest]) -> list[KeptIndex]:
        """Drop every index but these and those that are being built; what was dropped."""
        from tetrad.corpora.vectors.index_building import prune

        return prune(self.server, kept)

    def _build(
        self,
        corpus: Corpus,
        chunks: Callable[[], Sequence[Chunk]],
        embedder: CachedEmbedder,
        *,
        instead: KeptIndex | None = None,
    ) -> KeptIndex:
        from tetrad.corpora.vectors.index_building import WantedIndex, build

        wanted = WantedIndex(
            digest=index_digest(corpus), corpus=corpus, chunks=chunks(), embedder=embedder
        )
        return build(self.server, wanted, self._progress, instead=instead)

    def wait(self, seconds: float) -> None:
        """Return when the server answers; StoreUnavailable where it does not in so many seconds."""
        until = time.monotonic() + seconds
        is_told = False
        while (outage := self._outage()) is not None:
            if time.monotonic() >= until:
                raise outage
            if not is_told:
                self._progress.note(f"waiting: {str(outage).splitlines()[0]}")
                is_told = True
            time.sleep(_AGAIN_S)

    def _outage(self) -> StoreUnavailable | None:
        try:
            self.server.ask()
        except StoreUnavailable as error:
            return error
        return None

    @property
    def server(self) -> Server:
        """UsageError where the environment names none."""
        with self._lock:
            if self._server is None:
                self._server = self._connected()
            return self._server

    def close(self) -> None:
        with self._lock:
            if self._server is not None:
                self._server.close()
                self._server = None

    def _connected(self) -> Server:
        written = self._environment.get(ENVIRONMENT, "")
        if not written:
            raise UsageError(
                f"{ENVIRONMENT} is not set, and a corpus has store: pgvector"
                f"\n  help: {ENVIRONMENT}=postgresql://USER@HOST:PORT/DATABASE"
            )
        if not written.startswith(_SCHEMES):
            raise UsageError(
                f"{ENVIRONMENT}: not an address of PostgreSQL"
                f"\n  help: {ENVIRONMENT}=postgresql://USER@HOST:PORT/DATABASE"
            )
        try:
            from tetrad.corpora.vectors.server import Server

            return Server(
                written,
                self._environment.get(PASSWORD),
                variable=ENVIRONMENT,
                reads=not self.builds,
            )
        except ImportError as error:
            raise MissingExtra("pgvector", "a corpus with store: pgvector") from error
