"""Corpora: documents read and chunked, embedded once, and searched.

numpy, the BM25 library and the database driver are imported where they are used, so that a stack
without a corpus never loads them.
"""

from tetrad.corpora.building import build_index, make_index
from tetrad.corpora.embeddings import CachedEmbedder
from tetrad.corpora.vector_store import VectorStore, index_digest

__all__ = ["CachedEmbedder", "VectorStore", "build_index", "index_digest", "make_index"]
