"""Whatever an endpoint sends is an answer or is refused with a reason: never a crash."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tetrad.canonical import canonical_json
from tetrad.engines import wire
from tetrad.engines.base import request_document
from tetrad.results.exchange import Completion, Message, Request

CHAT = Request(messages=(Message(role="user", content="Hello"),))
PLAIN = Request(style="completion", messages=(Message(role="user", content="Hello"),))

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)


def sometimes(value: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return value | anything


call = st.fixed_dictionaries(
    {},
    optional={
        "id": anything,
        "index": anything,
        "function": sometimes(
            st.fixed_dictionaries(
                {}, optional={"name": sometimes(st.text()), "arguments": anything}
            )
        ),
    },
)
message = st.fixed_dictionaries(
    {},
    optional={
        "content": sometimes(st.text()),
        "refusal": anything,
        "tool_calls": sometimes(st.lists(sometimes(call), max_size=3)),
    },
)
choice = st.fixed_dictionaries(
    {},
    optional={
        "message": sometimes(message),
        "delta": sometimes(message),
        "text": sometimes(st.text()),
        "finish_reason": anything,
    },
)
usage = st.fixed_dictionaries(
    {}, optional={"prompt_tokens": anything, "prompt_tokens_details": anything}
)
reply = st.fixed_dictionaries(
    {},
    optional={
        "choices": sometimes(st.lists(sometimes(choice), max_size=2)),
        "usage": sometimes(usage),
        "error": anything,
    },
)


@contextmanager
def read_or_refused() -> Iterator[None]:
    try:
        yield
    except wire.Unreadable as refused:
        if not str(refused):
            raise


def whole(completion: Completion) -> None:
    """It can be kept, and asked about again: it has canonical bytes."""
    said = Message(role="assistant", content=completion.text, tool_calls=completion.tool_calls)
    canonical_json(request_document(Request(messages=(said,))))
    assert completion.usage.input_tokens >= 0


@given(sometimes(reply), st.sampled_from([CHAT, PLAIN]))
def test_any_reply_is_read_or_refused(said: Any, request_: Request) -> None:
    with read_or_refused():
        whole(wire.decode(json.dumps(said).encode(), request_))


@given(st.lists(sometimes(reply), max_size=4), st.integers(1, 50), st.booleans())
def test_any_stream_is_read_or_refused(chunks: list[Any], size: int, done: bool) -> None:
    events = [f"data: {json.dumps(chunk)}\n\n" for chunk in chunks]
    body = "".join([*events, "data: [DONE]\n\n" if done else ""]).encode()
    stream = wire.AnswerStream()
    with read_or_refused():
        for start in range(0, len(body), size):
            stream.feed(body[start : start + size])
        whole(stream.completion(CHAT))


@given(st.binary(max_size=60))
def test_any_bytes_are_refused_with_a_reason(body: bytes) -> None:
    assert isinstance(wire.reason_of(body), str)
    with pytest.raises(wire.Unreadable):
        wire.decode(body, CHAT)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b'{"error": {"message": "No\\nsuch model"}}', "No ⏎ such model"),
        (b'{"error": "No such model"}', "No such model"),  # Ollama
        (b'{"message": "No such model"}', "No such model"),  # vLLM
        (b'{"detail": "No such model"}', "No such model"),
        (b"Bad Gateway", "Bad Gateway"),
        (b"\x1b[31mred", "red"),
        (b"", ""),
    ],
)
def test_the_reason_of_a_refusal_is_found_in_every_servers_form(body: bytes, reason: str) -> None:
    assert wire.reason_of(body) == reason


def test_events_may_be_cut_anywhere_even_within_a_character() -> None:
    chunk = json.dumps({"choices": [{"delta": {"content": "déjà"}}]}, ensure_ascii=False)
    body = f": a comment\r\nevent: x\r\ndata: {chunk}\r\n\r\ndata: [DONE]\r\n\r\n".encode()
    stream = wire.AnswerStream()
    for n in range(len(body)):
        stream.feed(body[n : n + 1])

    assert stream.completion(CHAT).text == "déjà"
