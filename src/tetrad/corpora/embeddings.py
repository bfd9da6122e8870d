"""An embedder that never embeds a text twice."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tetrad.canonical import Digest, digest_bytes
from tetrad.corpora.cache import Cache
from tetrad.engines.interfaces import Embedder

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class CachedEmbedder:
    """An embedder with its vectors and token offsets kept in a cache folder, by model, build and text.

    The embedder itself is asked for what is new only, so where everything is kept its model is
    never loaded. Threads take turns.
    """

    def __init__(self, embedder: Embedder, cache: Path) -> None:
        self._embedder = embedder
        self._cache = Cache(cache)
        self._lock = threading.Lock()

    @property
    def digest(self) -> Digest:
        return self._embedder.digest

    @property
    def build(self) -> str:
        return self._embedder.build

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """One L2-normalised row a text: for a long one, the mean of its windows."""
        import numpy as np

        if not texts:
            return np.empty((0, 0), dtype=np.float32)
        keys = [self.key_of(text) for text in texts]
        with self._lock:
            rows = self._rows(dict(zip(keys, texts, strict=True)))
        return np.stack([np.frombuffer(rows[key], dtype="<f4") for key in keys])

    def key_of(self, text: str) -> Digest:
        """What a text's vector is kept under: equal keys have equal vectors."""
        return self._key("vector", text)

    def tokens(self, text: str) -> Sequence[tuple[int, int]]:
        return self.tokens_of([text])[0]

    def windows(self, text: str) -> Sequence[str]:
        return self._embedder.windows(text)

    def tokens_of(self, texts: Sequence[str]) -> list[Sequence[tuple[int, int]]]:
        """The token offsets of each text."""
        keys = [self._key("tokens", text) for text in texts]
        with self._lock:
            kept = self._cache.read(keys)
            new = {
                key: json.dumps([list(span) for span in self._embedder.tokens(text)]).encode()
                for key, text in zip(keys, texts, strict=True)
                if key not in kept
            }
            if new:
                self._cache.write(new)
        found = {**kept, **new}
        return [[(start, end) for start, end in json.loads(found[key])] for key in keys]

    def _rows(self, wanted: Mapping[Digest, str]) -> dict[Digest, bytes]:
        rows = self._cache.read(wanted)
        missing = [key for key in wanted if key not in rows]
        if missing:
            vectors = self._embedder.embed([wanted[key] for key in missing])
            new = {
                key: vector.astype("<f4").tobytes()
                for key, vector in zip(missing, vectors, strict=True)
            }
            self._cache.write(new)
            rows.update(new)
        return rows

    def _key(self, what: str, text: str) -> Digest:
        parts = (what.encode(), self.digest.value, self.build.encode(), text.encode())
        return digest_bytes(b"\0".join(parts))
