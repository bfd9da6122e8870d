"""What conversion needs to show how far it is."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """A bar; `total` counts whatever `advance` counts."""

    def start(self, total: int, label: str) -> None: ...

    def advance(self, n: int) -> None: ...

    def finish(self) -> None: ...
