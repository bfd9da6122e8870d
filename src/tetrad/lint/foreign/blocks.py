"""Messages of one template: blocks that several messages share are whole in each of them."""

from __future__ import annotations

from typing import NamedTuple

from tetrad.lint.foreign.mapped import ForeignMessage
from tetrad.yamldoc.document import Span


class _Block(NamedTuple):
    opening: str
    closing: str
    place: Span


class Messages:
    """Messages under way, with the blocks that are open in the last one."""

    def __init__(self, text: str, role: str, start: int) -> None:
        self.text = text
        self.done: list[ForeignMessage] = []
        self._blocks: list[_Block] = []
        self._marked = False  # whether the file names the role of the last one
        self._message = ForeignMessage(role, Span(start, start))

    def begin(self, role: str, marker: Span) -> None:
        """End a message, and begin another in the same blocks."""
        for block in reversed(self._blocks):
            self._message.write(block.closing, marker.start, marker.start)
        self._end()
        self._message, self._marked = ForeignMessage(role, marker), True
        for block in self._blocks:
            self._message.write(block.opening, *block.place)
        self._message.write("", marker.end, marker.end)

    def open(self, opening: str, closing: str, place: Span) -> None:
        """A block begins, of which the text is written already."""
        self._blocks.append(_Block(opening, closing, place))

    def close(self) -> str:
        """What ends the block that was opened last; "" where none is open."""
        return self._blocks.pop().closing if self._blocks else ""

    def copy(self, start: int, end: int) -> None:
        self._message.copy(self.text, start, end)

    def write(self, text: str, start: int, end: int) -> None:
        self._message.write(text, start, end)

    def finished(self) -> list[ForeignMessage]:
        self._end()
        return self.done

    def _end(self) -> None:
        if self._marked or self._message.content.strip():
            self.done.append(self._message)
