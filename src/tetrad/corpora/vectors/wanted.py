"""An index as its corpus wants it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tetrad.canonical import Digest
from tetrad.corpora.chunks import Chunk
from tetrad.corpora.embeddings import CachedEmbedder
from tetrad.model import Corpus


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """The chunks of a corpus, and what embeds them."""

    digest: Digest
    corpus: Corpus
    chunks: Sequence[Chunk]
    embedder: CachedEmbedder

    @property
    def build(self) -> str:
        return self.embedder.build
