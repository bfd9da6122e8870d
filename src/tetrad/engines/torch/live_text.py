"""An answer's text while its tokens are written: what is certain of it, and nothing that is not."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from tetrad.engines.trimming import Trimmed

if TYPE_CHECKING:
    from tokenizers import Tokenizer


_BYTE = re.compile("<0x[0-9A-Fa-f]{2}>")


class LiveText:
    """Tells `hear` the text as far as no later token can change it.

    Held back are characters of which bytes are missing, white space that may be the last, and what
    may be the beginning of a stop. Tokens that are bytes wait for the end of their run: where one
    of them makes no character, SentencePiece's decoder replaces them all.
    """

    def __init__(
        self, tokenizer: Tokenizer, stops: Sequence[str], hear: Callable[[str], None]
    ) -> None:
        from tokenizers.decoders import DecodeStream

        self._tokenizer = tokenizer
        self._decoding = DecodeStream(skip_special_tokens=True)
        self._undecoded: list[int] = []
        self._stops = stops
        self._hear = hear
        self._trimmed = Trimmed()
        self._held = ""

    def take(self, token: int) -> None:
        self._undecoded.append(token)
        if _BYTE.fullmatch(self._tokenizer.id_to_token(token) or ""):
            return
        written = self._decoding.step(self._tokenizer, self._undecoded)
        self._undecoded = []
        if not written:
            return
        text = self._held + written
        certain = len(text) - self._doubtful(text)
        self._held = text[certain:]
        if piece := self._trimmed.let_through(text[:certain]):
            self._hear(piece)

    def _doubtful(self, text: str) -> int:
        """How many characters at the end may begin a stop."""
        return max(
            (
                length
                for stop in self._stops
                for length in range(1, len(stop))
                if text.endswith(stop[:length])
            ),
            default=0,
        )
