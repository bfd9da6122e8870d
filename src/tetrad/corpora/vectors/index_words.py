"""BM25 scores from the words of an index; the last ones asked for are remembered."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np
from sqlalchemy import ARRAY, Connection, LargeBinary, any_, literal, select

from tetrad.canonical import digest_bytes
from tetrad.corpora.vectors.index_tables import KeptIndex
from tetrad.segmentation import terms_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

_REMEMBERED_BYTES = 64_000_000  # words that are in every chunk are in every query, too


class Words:
    """Which chunks have a word, and what score it gives them."""

    def __init__(self, entry: KeptIndex) -> None:
        self._entry = entry
        self._lock = Lock()
        self._known: OrderedDict[bytes, tuple[bytes, bytes]] = OrderedDict()
        self._size = 0

    def scores(self, connection: Connection, query: str) -> NDArray[np.float64] | None:
        """Each chunk's score; None where the query has no word that the corpus knows."""
        keys = [digest_bytes(term.encode()).value for term in terms_of(query)]
        found = self._found(connection, list(dict.fromkeys(keys)))
        if not found:
            return None
        scores = np.zeros(self._entry.chunks, dtype=np.float32)
        for key in keys:  # a word that the query repeats counts again
            if key in found:
                positions, added = found[key]
                scores[np.frombuffer(positions, dtype="<i4")] += np.frombuffer(added, dtype="<f4")
        return scores.astype(np.float64)

    def _found(
        self, connection: Connection, keys: Sequence[bytes]
    ) -> dict[bytes, tuple[bytes, bytes]]:
        with self._lock:
            found = {key: self._known[key] for key in keys if key in self._known}
            for key in found:
                self._known.move_to_end(key)
        missing = [key for key in keys if key not in found]
        if missing:
            columns = self._entry.tables.words.c
            wanted = any_(literal(missing, ARRAY(LargeBinary)))
            rows = connection.execute(
                select(columns.word, columns.positions, columns.scores).where(
                    columns.word == wanted
                )
            )
            new = {bytes(word): (bytes(places), bytes(scores)) for word, places, scores in rows}
            self._remember(new)
            found |= new
        return found

    def _remember(self, new: dict[bytes, tuple[bytes, bytes]]) -> None:
        with self._lock:
            for key, (positions, scores) in new.items():
                if key not in self._known:
                    self._known[key] = (positions, scores)
                    self._size += len(positions) + len(scores)
            while self._size > _REMEMBERED_BYTES:
                _, (positions, scores) = self._known.popitem(last=False)
                self._size -= len(positions) + len(scores)
