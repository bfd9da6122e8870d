"""The score of a chunk, whatever store holds it.

It is the weighted mean of its cosine and its BM25 score, each brought to [0, 1] by
(score - least possible) / (greatest found - least possible), where the least possible cosine is
-1 and the least BM25 score 0: the convex combination with theoretical minimum that Bruch, Gai and
Ingber, "An Analysis of Fusion Functions for Hybrid Retrieval" (ACM TOIS 2023, arXiv 2210.11934),
found better and steadier than rank fusion. Scores are rounded to six decimals and ties go by
document id and chunk number, so that no machine's rounding orders them.

Any change of this changes answers: raise `tetrad.identity.RUNTIME`.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tetrad.corpora.chunks import Chunk
from tetrad.errors import MissingExtra
from tetrad.model import Index
from tetrad.segmentation import terms_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

DECIMALS = 6


def mixed(
    weights: Index,
    similarity: NDArray[np.float64],
    words: NDArray[np.float64] | None,
    *,
    most_similar: float,
    most_words: float,
) -> NDArray[np.float64]:
    """Scores from similarities and BM25 scores, given the greatest of each in the whole corpus.

    `words` is None where the query has none that the corpus knows.
    """
    score = weights.dense * (similarity + 1) / max(most_similar + 1, 1e-9)
    if words is not None:
        score = score + weights.bm25 * words / max(most_words, 1e-9)
    return (score / (weights.dense + weights.bm25)).round(DECIMALS)


def word_index(chunks: Sequence[Chunk]) -> Any:
    """BM25 over the chunks' words; None where they have none."""
    texts = [terms_of(chunk.text) for chunk in chunks]
    if not any(texts):
        return None
    try:
        import bm25s
    except ImportError as error:
        raise MissingExtra("corpora", "searching a corpus by words (index.hybrid.bm25)") from error
    # It sets its own logger to DEBUG, and pytest shows that beside a case that fails.
    logging.getLogger("bm25s").setLevel(logging.WARNING)
    words = bm25s.BM25(method="lucene", k1=1.5, b=0.75)
    words.index(texts, show_progress=False)
    return words
