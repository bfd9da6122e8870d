"""The registry's copy of what a cluster's pointer was, asked with patience but not for ever."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from tetrad.database import Closing
from tetrad.errors import DatabaseError, TetradError
from tetrad.pointer.pointer_store import PointerStore
from tetrad.pointer.pointers import Pointer

T = TypeVar("T")

_LOG = logging.getLogger("tetrad.pointer")
_LOOKS_S = 2.0  # that a change of the pointer waits for the registry
_RECORDS_S = 15.0  # that a command waits at its end
_AGAIN_S = 10.0  # after which a registry that did not answer is asked again


class Recording(Closing):
    """An environment's versions in the registry, which may answer slowly or not at all."""

    def __init__(self, opened: Callable[[], PointerStore]) -> None:
        """The registry is opened when it is first asked."""
        self._opened = opened
        self._lock = threading.Lock()
        self._store: PointerStore | None = None
        self._writing: list[threading.Thread] = []
        self._unrecorded = ""  # why what was given last is not there
        self._asks_from = 0.0

    def close(self) -> None:
        """Wait for what is being written; say what the registry lacks."""
        until = time.monotonic() + _RECORDS_S
        for thread in self._writing:
            thread.join(max(0.0, until - time.monotonic()))
        if self._is_writing:
            self._unrecorded = f"no answer for {_RECORDS_S:g} s"
        if self._unrecorded:
            _LOG.warning(
                "the registry lacks the last change, which the next command records: %s",
                self._unrecorded,
            )
        if self._store is not None:
            self._store.close()

    def last(self) -> Pointer | None:
        """The last version there; None, too, where the registry does not answer in time."""
        if time.monotonic() < self._asks_from:
            return None
        try:
            return self._in_time(lambda: self._registry().current())
        except TetradError:
            self._asks_from = time.monotonic() + _AGAIN_S
            return None

    def history(self) -> Iterator[Pointer]:
        return self._registry().history()

    def record(self, envelopes: Sequence[bytes]) -> None:
        """Append those versions that are not there; `close` waits for it."""
        self._writing = [thread for thread in self._writing if thread.is_alive()]
        thread = threading.Thread(target=self._record, args=(envelopes,), daemon=True)
        self._writing.append(thread)
        thread.start()

    def repair(self, envelopes: Sequence[bytes]) -> None:
        """The same of what others left undone, unless the registry was away a moment ago."""
        if time.monotonic() >= self._asks_from and not self._is_writing:
            self.record(envelopes)

    @property
    def _is_writing(self) -> bool:
        return any(thread.is_alive() for thread in self._writing)

    def _record(self, envelopes: Sequence[bytes]) -> None:
        try:
            self._registry().record(envelopes)
            self._unrecorded = ""
        except TetradError as error:
            self._unrecorded = str(error).partition("\n")[0]
            self._asks_from = time.monotonic() + _AGAIN_S

    def _registry(self) -> PointerStore:
        with self._lock:
            if self._store is None:
                self._store = self._opened()
            return self._store

    def _in_time(self, call: Callable[[], T]) -> T:
        found: list[T] = []
        problems: list[TetradError] = []

        def ask() -> None:
            try:
                found.append(call())
            except TetradError as error:
                problems.append(error)

        thread = threading.Thread(target=ask, daemon=True)
        thread.start()
        thread.join(_LOOKS_S)
        if problems:
            raise problems[0]
        if not found:
            raise DatabaseError(f"no answer for {_LOOKS_S:g} s")
        return found[0]
