"""The chunks of a corpus, in the order of document id and number: ties go by it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tetrad.corpora.chunking import spans_of
from tetrad.corpora.embeddings import CachedEmbedder
from tetrad.corpora.read_documents import CorpusDocument
from tetrad.model import Chunking


@dataclass(frozen=True, kw_only=True, slots=True)
class Chunk:
    """A slice of a document; `number` counts from 0 within it."""

    document: str
    number: int
    text: str


def chunks_of(
    documents: Sequence[CorpusDocument], embedder: CachedEmbedder, chunking: Chunking
) -> tuple[Chunk, ...]:
    tokens = embedder.tokens_of([document.text for document in documents])
    return tuple(
        Chunk(document=document.id, number=number, text=document.text[start:end])
        for document, offsets in zip(documents, tokens, strict=True)
        for number, (start, end) in enumerate(spans_of(document.text, offsets, chunking))
    )
