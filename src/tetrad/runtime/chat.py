"""What a prompt's `chat:` makes of a conversation: its last user turn a variable, the rest history.

Earlier turns were written by strangers, the assistant's among them: a client can claim any. They are
messages of their own, never text of a template.

Any change of what is kept changes answers: raise `tetrad.identity.RUNTIME`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from tetrad.canonical import Json
from tetrad.errors import BadRequest
from tetrad.model import History, Prompt, Turn
from tetrad.text import encodable


def asked_in(prompt: Prompt, turns: Sequence[Turn]) -> tuple[dict[str, Json], tuple[Turn, ...]]:
    """The variables that a chat's turns give, and the turns before; BadRequest where they give none."""
    if prompt.chat is None:
        raise BadRequest(f"{prompt.ref} takes no turns: it has no `chat:`; give its variables")
    if not turns or turns[-1].role != "user":
        raise BadRequest("the last turn is not the user's, so there is nothing to answer")
    return {prompt.chat.input: turns[-1].content}, tuple(turns[:-1])


def bytes_of(text: str) -> int:
    """The tokens of a text where no tokenizer is known: never fewer than it has."""
    return len(text.encode())


class Histories:
    """The earlier turns that a prompt keeps, whole ones, by the tokens of their texts."""

    def __init__(self, prompt: Prompt, count: Callable[[str], int]) -> None:
        """`count` gives a text's tokens by the model's tokenizer, or else an upper bound."""
        self._prompt = prompt
        self._count = count

    def refuse(self, history: Sequence[Turn]) -> None:
        """BadRequest where there are earlier turns and the prompt takes none."""
        why_not = self._prompt.why_no_history
        if history and why_not is not None:
            raise BadRequest(f"{self._prompt.ref} takes no earlier turns: {why_not}")

    def kept(self, history: Sequence[Turn]) -> tuple[Turn, ...]:
        """What is kept of turns that are not refused."""
        chat = self._prompt.chat
        if not history or chat is None or chat.history is None:
            return ()
        turns = [replace(turn, content=encodable(turn.content)) for turn in history]
        return tuple(self._within(turns, chat.history))

    def _within(self, turns: Sequence[Turn], limit: History) -> Sequence[Turn]:
        # No text has more tokens than bytes, so most conversations need no tokenizer.
        if sum(bytes_of(turn.content) for turn in turns) <= limit.max_tokens:
            return turns
        if limit.keep == "first":
            kept = turns[: self._fitting(turns, limit.max_tokens)]
            # The user speaks next, so what they said last and nobody answered is left out, too.
            while kept and len(kept) < len(turns) and kept[-1].role == "user":
                kept = kept[:-1]
            return kept
        kept = turns[len(turns) - self._fitting(turns[::-1], limit.max_tokens) :]
        # An answer to what was left out would be the first message.
        while kept and len(kept) < len(turns) and kept[0].role == "assistant":
            kept = kept[1:]
        return kept

    def _fitting(self, turns: Sequence[Turn], tokens: int) -> int:
        """How many turns, from the first, have so many tokens together."""
        for number, turn in enumerate(turns):
            tokens -= self._count(turn.content)
            if tokens < 0:
                return number
        return len(turns)
