"""What the event loop hands to the thread that computes."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass

from tetrad.results.exchange import Completion, Request


@dataclass(frozen=True, kw_only=True, eq=False, slots=True)
class Inquiry:
    """A request and who waits for its answer; `hear` is given the text as it is written."""

    request: Request
    future: Future[Completion]
    hear: Callable[[str], None] | None = None

    def answer(self, completion: Completion) -> None:
        """Deliver, unless whoever asked has gone."""
        if self.future.set_running_or_notify_cancel():
            self.future.set_result(completion)

    def fail(self, error: Exception) -> None:
        if self.future.set_running_or_notify_cancel():
            self.future.set_exception(error)
