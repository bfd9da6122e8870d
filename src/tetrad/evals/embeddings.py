"""Embeddings for assertions, computed in batches beside the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

from tetrad.engines.base import Embedder
from tetrad.text import encodable

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# How long a text waits for others, so that one call of the embedder serves them all.
GATHER_S = 0.01
BATCH = 64


class Embeddings:
    """Similarities by one embedder, which is asked for many texts at once."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self._waiting: dict[str, asyncio.Future[NDArray[np.float32]]] = {}
        self._working: asyncio.Task[None] | None = None

    async def similarities(self, text: str, others: Sequence[str]) -> tuple[float, ...]:
        """Cosine of the text with each of the others."""
        # All of them wait before any is waited for: they make one batch.
        coming = [self._coming(encodable(each)) for each in (text, *others)]
        own, *vectors = [await future for future in coming]
        return tuple(float(own @ vector) for vector in vectors)

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
