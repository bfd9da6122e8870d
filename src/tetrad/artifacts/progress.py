"""What slow work tells whoever watches it; the command line draws it."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """One piece of work at a time; `total` is None where nobody knows how much there is."""

    def start(self, total: int | None, label: str) -> None: ...

    def advance(self, n: int) -> None: ...

    def finish(self) -> None: ...

    def note(self, text: str) -> None:
        """Something to know meanwhile, in one line."""


class Unwatched:
    """Progress that nobody looks at."""

    def start(self, total: int | None, label: str) -> None: ...

    def advance(self, n: int) -> None: ...

    def finish(self) -> None: ...

    def note(self, text: str) -> None: ...
