"""Which of a prompt's examples a request is shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from tetrad.canonical import Json
from tetrad.corpora import CachedEmbedder
from tetrad.model import Example, NearestExamples
from tetrad.model.variables import text_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_DECIMALS = 6


class Nearest:
    """The examples most similar to a request, the most similar last: nearest to the question.

    Similarities are rounded, and of equals the one that stands first in the file is taken.
    """

    def __init__(
        self, examples: Sequence[Example], select: NearestExamples, embedder: CachedEmbedder
    ) -> None:
        self._select = select
        self._embedder = embedder
        self._matrix = embedder.embed([_text(example.vars, select) for example in examples])

    def choose(self, requests: Sequence[Mapping[str, Json]]) -> list[tuple[int, ...]]:
        """The numbers of the chosen examples for each request's variables, in the order shown."""
        if not len(self._matrix) or not requests:
            return [() for _ in requests]
        vectors = self._embedder.embed([_text(values, self._select) for values in requests])
        return [self._nearest(row) for row in vectors @ self._matrix.T]

    def _nearest(self, similarities: NDArray[np.float32]) -> tuple[int, ...]:
        order = (-similarities.astype("float64").round(_DECIMALS)).argsort(kind="stable")
        return tuple(int(i) for i in order[: self._select.count][::-1])


def _text(values: Mapping[str, Json], select: NearestExamples) -> str:
    return text_of(values.get(select.by))
