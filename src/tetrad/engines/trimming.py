"""White space around an answer that comes in pieces."""

from __future__ import annotations


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
