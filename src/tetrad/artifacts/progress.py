"""What slow work tells whoever watches it; the command line draws it."""

from __future__ import annotations

from typing import Protocol


class Work(Protocol):
    """One piece of work that goes on."""

    def advance(self, n: int) -> None: ...

    def tally(self, text: str) -> None:
        """What came of it so far, in a few words; the next ones take their place."""

    def finish(self) -> None: ...


class Progress(Protocol):
    """Pieces of work, several at once and in any thread."""

    def start(self, total: int | None, label: str) -> Work:
        """A piece of work begins; `total` is None where nobody knows how much there is."""

    def note(self, text: str) -> None:
        """Something to know meanwhile, in one line."""


class Unwatched:
    """Progress that nobody looks at."""

    def start(self, total: int | None, label: str) -> Work:  # noqa: ARG002  # it is a Progress
        return UNSEEN

    def note(self, text: str) -> None: ...


class _Unseen:
    def advance(self, n: int) -> None: ...

    def tally(self, text: str) -> None: ...

    def finish(self) -> None: ...


UNSEEN = _Unseen()
