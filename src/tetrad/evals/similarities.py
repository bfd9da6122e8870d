"""Embeddings for assertions, computed in batches beside the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

from tetrad.engines.interfaces import Embedder
from tetrad.text import encodable

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# How long a text waits for others, so that one call of the embedder serves them all.
GATHER_S = 0.01
BATCH = 64
_DECIMALS = 6  # beyond them is rounding: a text's cosine with itself is 0.9999999


class Embeddings:
    """Similarities by one embedder, which is asked for many texts at once."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self._waiting: dict[str, asyncio.Future[NDArray[np.float32]]] = {}
        self._working: asyncio.Task[None] | None = None

    async def similarities(self, text: str, others: Sequence[str]) -> tuple[float, ...]:
        """Cosine of the text with each of the others; of long texts, of the windows that have least
        in common with the other text.
        """
        # All of them wait before any is waited for: they make one batch.
        coming = [
            [self._coming(window) for window in self._embedder.windows(encodable(each))]
            for each in (text, *others)
        ]
        own, *matrices = [[await vector for vector in vectors] for vectors in coming]
        return tuple(_similarity(own, vectors) for vectors in matrices)

    def _coming(self, text: str) -> asyncio.Future[NDArray[np.float32]]:
        if text not in self._waiting:
            self._waiting[text] = asyncio.get_running_loop().create_future()
            if self._working is None or self._working.done():
                self._working = asyncio.create_task(self._work())
        return self._waiting[text]

    async def _work(self) -> None:
        await asyncio.sleep(GATHER_S)
        while self._waiting:
            texts = list(self._waiting)[:BATCH]
            made: NDArray[np.float32] | Exception
            try:
                made = await asyncio.to_thread(self._embedder.embed, texts)
            except Exception as error:  # noqa: BLE001 -- whoever waits is told, and decides
                made = error
            for number, text in enumerate(texts):
                future = self._waiting.pop(text)
                if future.done():  # its case was cancelled
                    continue
                if isinstance(made, Exception):
                    future.set_exception(made)
                    future.exception()  # asked for here: who waits for several, hears of the first
                else:
                    future.set_result(made[number])


def _similarity(ours: list[NDArray[np.float32]], theirs: list[NDArray[np.float32]]) -> float:
    """The cosine of two texts by the vectors of their windows.

    Each window is compared with the one of the other text that is nearest to it. The least of these
    counts: an answer that says the opposite at its end is no more alike for all that it says before.
    """
    import numpy as np

    cosines = np.stack(ours) @ np.stack(theirs).T
    least = min(float(cosines.max(axis=1).min()), float(cosines.max(axis=0).min()))
    return round(least, _DECIMALS)
