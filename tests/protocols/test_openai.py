"""Whatever an endpoint sends is an answer or is refused with a reason: never a crash."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tetrad.canonical import Json, canonical_json
from tetrad.engines.interfaces import request_document
from tetrad.protocols import openai as wire
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
        "extra_content": anything,
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
        "content": sometimes(st.text() | st.lists(anything, max_size=3)),
        "reasoning_content": anything,
        "extra_content": anything,
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
    {},
    optional={
        "prompt_tokens": anything,
        "completion_tokens": anything,
        "total_tokens": anything,
        "prompt_tokens_details": sometimes(st.fixed_dictionaries({"cached_tokens": anything})),
        "completion_tokens_details": anything,
    },
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
    said = Message(
        role="assistant",
        content=completion.text,
        tool_calls=completion.tool_calls,
        attached=completion.attached,
    )
    canonical_json(request_document(Request(messages=(said,))))
    assert completion.usage.input_tokens is None or completion.usage.input_tokens > 0
    assert completion.usage.output_tokens is None or completion.usage.output_tokens >= 0


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
        whole(stream.completion())


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

    assert stream.completion().text == "déjà"


def streamed(*deltas: Mapping[str, Any]) -> Completion:
    stream = wire.AnswerStream()
    for delta in deltas:
        stream.feed(f"data: {json.dumps({'choices': [{'delta': delta}]})}\n\n".encode())
    stream.feed(b"data: [DONE]\n\n")
    return stream.completion()


def pieces_of_calls(*pieces: Mapping[str, Any]) -> list[tuple[str, str, Mapping[str, Json]]]:
    calls = streamed(*({"tool_calls": [piece]} for piece in pieces)).tool_calls
    return [(call.id, call.name, call.arguments) for call in calls]


def named(name: str, **given: Any) -> dict[str, Any]:
    return {"function": {"name": name, "arguments": ""}, **given}


def argued(arguments: str, **given: Any) -> dict[str, Any]:
    return {"function": {"arguments": arguments}, **given}


TWO_CALLS = [("a", "find", {"n": 1}), ("b", "send", {"n": 2})]


@pytest.mark.parametrize(
    "pieces",
    [
        pytest.param(
            [
                named("find", index=0, id="a"), named("send", index=1, id="b"),
                argued('{"n": ', index=0), argued('{"n": 2}', index=1), argued("1}", index=0),
            ],
            id="interleaved, by the protocol",
        ),
        pytest.param(
            [
                named("find", index=0, id="a"), argued('{"n": ', index=0, id="a"),
                argued("1}", index=0, id="a"), named("send", index=1, id="b"),
                argued('{"n": 2}', index=1, id="b"),
            ],
            id="the id repeated",
        ),
        pytest.param(
            [
                named("find", index=0, id="a"), argued('{"n": ', index=0), argued("1}", index=0),
                named("send", index=0, id="b"), argued('{"n": 2}', index=0),
            ],
            id="one index for all, as of Ollama",
        ),
        pytest.param(
            [
                named("find", index=None, id="a"), argued('{"n": ', index=None),
                argued("1}", index=None), named("send", index=None, id="b"),
                argued('{"n": 2}', index=None),
            ],
            id="null for an index, as of Gemini",
        ),
        pytest.param(
            [
                named("find", id="a"), argued('{"n": 1}'), named("send", id="b"),
                argued('{"n": 2}'),
            ],
            id="no index",
        ),
    ],
)  # fmt: skip
def test_pieces_of_tool_calls_find_together(pieces: list[dict[str, Any]]) -> None:
    assert pieces_of_calls(*pieces) == TWO_CALLS


def test_whole_calls_without_index_and_id_are_several() -> None:
    whole_call = {"function": {"name": "find", "arguments": "{}"}}

    assert pieces_of_calls(whole_call, whole_call) == [
        ("call-1", "find", {}),
        ("call-2", "find", {}),
    ]


def test_an_event_without_data_is_none() -> None:
    stream = wire.AnswerStream()
    stream.feed(b'data:\n\ndata: {"choices": [{"delta": {"content": "hi"}}]}\n\ndata: \n\n')
    stream.feed(b"data: [DONE]\n\n")

    assert stream.completion().text == "hi"


def test_a_line_of_many_pieces_costs_no_more_than_its_length() -> None:
    """A quadratic reader is at this for minutes, and nothing else runs in the loop meanwhile."""
    chunk = json.dumps({"choices": [{"delta": {"content": "x" * 8_000_000}}]}).encode()
    stream = wire.AnswerStream()
    for start in range(0, len(chunk), 200):
        stream.feed((b"data: " if not start else b"") + chunk[start : start + 200])
    stream.feed(b"\n\ndata: [DONE]\n\n")

    assert len(stream.completion().text) == 8_000_000
