"""Corpora: documents read and chunked, embedded once, and searched.

numpy and the BM25 library are imported where they are used, so that a stack without a corpus never
loads them.
"""

from tetrad.corpora.embeddings import CachedEmbedder
from tetrad.corpora.index import CorpusIndex, build_index

__all__ = ["CachedEmbedder", "CorpusIndex", "build_index"]
