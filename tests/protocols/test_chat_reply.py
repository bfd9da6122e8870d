"""What a server writes, as the client's half and the protocol's documents read it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tetrad.protocols.openai import (
    DONE,
    AnswerStream,
    ChatEvents,
    Cut,
    ReplyHead,
    chat_completion,
    decode,
    error_body,
    event,
    model_entry,
    model_list,
)
from tetrad.results.exchange import Completion, Message, Request, ToolCall, Usage

HEAD = ReplyHead(id="chatcmpl-1", created=1_700_000_000, model="support", system_fingerprint="fp")
CHAT = Request(messages=(Message(role="user", content="Hello"),))
USAGE = Usage(input_tokens=7, output_tokens=3, cached_input_tokens=2)
CALL = ToolCall(id="c1", name="look_up", arguments={"id": "é"})


def events_in(written: bytes) -> list[Any]:
    lines = [line.removeprefix(b"data: ") for line in written.split(b"\n\n") if line]
    return [json.loads(line) for line in lines if line != b"[DONE]"]


def test_a_whole_answer() -> None:
    assert chat_completion(HEAD, "Hi", finish_reason="stop", usage=USAGE) == {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1_700_000_000,
        "model": "support",
        "system_fingerprint": "fp",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "Hi", "refusal": None},
                "logprobs": None,
                "finish_reason": "stop",
            }
        ],
        "usage": {
            "prompt_tokens": 7,
            "completion_tokens": 3,
            "total_tokens": 10,
            "prompt_tokens_details": {"cached_tokens": 2},
        },
    }


def test_tokens_that_nobody_counted_are_not_written() -> None:
    unknown = Usage(input_tokens=None, output_tokens=None)

    assert "usage" not in chat_completion(HEAD, "Hi", finish_reason="stop", usage=unknown)


@given(st.text(), st.sampled_from(["stop", "length", "content_filter"]), st.booleans())
def test_a_client_reads_the_whole_answer(text: str, finish: Any, calls: bool) -> None:
    made = (CALL,) if calls else ()
    written = chat_completion(HEAD, text, finish_reason=finish, tool_calls=made, usage=USAGE)

    read = decode(json.dumps(written).encode(), CHAT)

    assert (read.text, read.usage) == (text, USAGE)
    assert (read.finish_reason, read.system_fingerprint) == (
        "tool_calls" if calls else finish,
        "fp",
    )
    assert [(call.id, call.arguments) for call in read.tool_calls] == [
        (call.id, call.arguments) for call in made
    ]


def test_the_events_of_a_stream() -> None:
    events = ChatEvents(HEAD, include_usage=True)
    written = events.begin() + events.text("Hi") + events.end("stop", USAGE)

    first, text, finish, usage = events_in(written)

    assert written.endswith(DONE)
    assert {"chat.completion.chunk"} == {e["object"] for e in (first, text, finish, usage)}
    assert first["choices"][0]["delta"] == {"role": "assistant", "content": "", "refusal": None}
    assert (text["choices"][0]["delta"], text["usage"]) == ({"content": "Hi"}, None)
    assert finish["choices"][0] == {
        "index": 0,
        "delta": {},
        "logprobs": None,
        "finish_reason": "stop",
    }
    assert (usage["choices"], usage["usage"]["total_tokens"]) == ([], 10)


def test_usage_is_written_where_it_is_asked_for() -> None:
    events = ChatEvents(HEAD)

    assert b"usage" not in events.begin() + events.text("Hi") + events.end("stop", USAGE)


def read_stream(written: bytes) -> Completion:
    stream = AnswerStream()
    for start in range(0, len(written), 7):
        stream.feed(written[start : start + 7])
    assert stream.done
    return stream.completion()


@given(st.lists(st.text()), st.booleans())
def test_a_client_reads_the_stream(pieces: list[str], calls: bool) -> None:
    events = ChatEvents(HEAD, include_usage=True)
    middle = [events.text(piece) for piece in pieces] + [events.call(CALL, 0)] * calls

    read = read_stream(events.begin() + b"".join(middle) + events.end("length", USAGE))

    assert (read.text, len(read.tool_calls)) == ("".join(pieces), int(calls))
    assert read.finish_reason == ("tool_calls" if calls else "length")
    assert read.usage == USAGE


def test_an_error_ends_a_stream_for_a_client() -> None:
    events = ChatEvents(HEAD)
    said = error_body("the model broke off", kind="server_error", code="upstream_failed")
    stream = AnswerStream()

    with pytest.raises(Cut, match="the model broke off"):
        stream.feed(events.begin() + events.text("Hi") + event(said))

    assert said == {
        "error": {
            "message": "the model broke off",
            "type": "server_error",
            "param": None,
            "code": "upstream_failed",
        }
    }


def test_a_list_of_models() -> None:
    entry = model_entry("support", created=1, owned_by="team")

    assert model_list([entry]) == {
        "object": "list",
        "data": [{"id": "support", "object": "model", "created": 1, "owned_by": "team"}],
    }


def test_half_a_character_makes_no_broken_event() -> None:
    assert (
        json.loads(ChatEvents(HEAD).text("a\ud800")[6:])["choices"][0]["delta"]["content"] == "a?"
    )
