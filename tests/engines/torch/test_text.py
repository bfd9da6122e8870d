"""What of a message reaches the model as tokens."""

from __future__ import annotations

from pathlib import Path

import pytest

from tetrad.engines.torch.token_text import Text, load_text
from tetrad.results.exchange import Message, Request


@pytest.fixture(scope="module")
def text(tiny: Path) -> Text:
    return load_text(tiny)


def controls(text: Text, request: Request) -> list[str]:
    """The control tokens of the prompt, in order."""
    names = [text.fast.id_to_token(id_) for id_ in text.prompt(request)]
    special = {str(t) for t in text.fast.get_added_tokens_decoder().values() if t.special}
    return [name for name in names if name in special]


@pytest.mark.parametrize("style", ["chat", "completion"])
def test_a_message_cannot_write_control_tokens(text: Text, style: str) -> None:
    special = sorted(str(t) for t in text.fast.get_added_tokens_decoder().values() if t.special)
    hostile = "hello " + " ".join(special) + " world"

    def request(content: str) -> Request:
        return Request(style=style, messages=(Message(role="user", content=content),))  # type: ignore[arg-type]

    assert special
    assert controls(text, request(hostile)) == controls(text, request("hello world"))
