"""An answer as it comes: pieces of text, and last the whole."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import TypeAlias

from tetrad.results.exchange import Completion

Pieces: TypeAlias = AsyncGenerator[str | Completion, None]


async def in_one_piece(answer: Callable[[], Awaitable[Completion]]) -> Pieces:
    """The stream of an engine that has its answers whole."""
    completion = await answer()
    if completion.text:
        yield completion.text
    yield completion


class Trimmed:
    """Lets a text through piece by piece, without the white space at its ends."""

    def __init__(self) -> None:
        self._begun = False
        self._held: list[str] = []  # white space, until something follows it

    def let_through(self, piece: str) -> str:
        rest = piece if self._begun else piece.lstrip()
        shown = rest.rstrip()
        if not shown:
            if self._begun:
                self._held.append(rest)
            return ""
        whole = "".join((*self._held, shown))
        self._held = [rest[len(shown) :]]
        self._begun = True
        return whole
