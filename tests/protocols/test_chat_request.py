"""What a server reads of a chat completions request, and how it says what is wrong with one."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tetrad.model import Generation
from tetrad.protocols import openai as wire
from tetrad.protocols.openai import ChatRequest, InvalidChat, chat_request
from tetrad.results.exchange import Message, Request, ToolCall

HELLO = {"role": "user", "content": "Hello"}
BODY: dict[str, Any] = {"model": "support", "messages": [HELLO]}
CALL = {"id": "c1", "type": "function", "function": {"name": "look_up", "arguments": '{"id": 1}'}}


def test_the_plainest_request() -> None:
    assert chat_request(BODY) == ChatRequest(
        model="support", messages=(Message(role="user", content="Hello"),)
    )


def test_what_was_given_is_told_and_null_is_not_given() -> None:
    request = chat_request(
        {
            **BODY,
            "temperature": 0,
            "stop": "\n",
            "max_tokens": None,
            "tools": [],
            "user": "anna",
            "stream": True,
            "stream_options": {"include_usage": True},
        }
    )

    assert request.options == {"temperature": 0, "stop": ["\n"], "tools": []}
    assert (request.user, request.stream, request.include_usage) == ("anna", True, True)


def test_messages_of_every_role() -> None:
    request = chat_request(
        {
            "model": "m",
            "messages": [
                {"role": "system", "content": "Be kind."},
                {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]},
                {"role": "assistant", "content": None, "tool_calls": [CALL]},
                {"role": "tool", "content": "found", "tool_call_id": "c1"},
                {"role": "assistant", "content": None, "refusal": "No."},
            ],
        }
    )  # fmt: skip

    assert request.messages == (
        Message(role="system", content="Be kind."),
        Message(role="user", content="ab"),
        Message(
            role="assistant",
            content="",
            tool_calls=(ToolCall(id="c1", name="look_up", arguments={"id": 1}),),
        ),
        Message(role="tool", content="found", tool_call_id="c1"),
        Message(role="assistant", content="No."),
    )


def message(**written: Any) -> dict[str, Any]:
    return {"messages": [HELLO, {"role": "user", "content": "x", **written}]}


WRONG: list[tuple[dict[str, Any], str, str]] = [
    ({"model": None}, "model", "model is missing"),
    ({"model": 7}, "model", "model must be a string"),
    ({"messages": None}, "messages", "messages is missing"),
    ({"messages": {}}, "messages", "messages must be an array"),
    ({"messages": []}, "messages", "messages must be an array of at least one message"),
    ({"messages": [7]}, "messages[0]", "messages[0] must be an object"),
    (message(role="judge"), "messages[1].role", "must be one of assistant, developer, system"),
    (message(role=[]), "messages[1].role", "must be one of"),
    (message(content=None), "messages[1].content", "must be a string or an array of parts"),
    (message(content=7), "messages[1].content", "must be a string or an array of parts"),
    (message(content=[7]), "messages[1].content[0]", "must be an object"),
    (
        message(content=[{"type": "image_url", "image_url": {"url": "x"}}]),
        "messages[1].content[0].type",
        "has the type 'image_url'; only text is taken",
    ),
    (message(content=[{"type": "text"}]), "messages[1].content[0].text", "must be a string"),
    (message(mood="good"), "messages[1].mood", "unknown parameter 'messages[1].mood'"),
    (message(tool_calls=[CALL]), "messages[1].tool_calls", "only for messages of the role assistant"),
    (
        message(role="assistant", tool_calls=[{}]),
        "messages[1].tool_calls",
        "messages[1].tool_calls: a tool call has no name",
    ),
    (message(role="tool"), "messages[1].tool_call_id", "must be a string in a message of the role"),
    (message(tool_call_id="c"), "messages[1].tool_call_id", "in a message of the role tool alone"),
    ({"temperature": 3}, "temperature", "temperature must be a number from 0 to 2"),
    ({"temperature": True}, "temperature", "must be a number"),
    ({"temperature": "0"}, "temperature", "must be a number"),
    ({"top_p": -1}, "top_p", "must be a number from 0 to 1"),
    ({"max_tokens": 0}, "max_tokens", "must be an integer of at least 1"),
    ({"max_tokens": 1.5}, "max_tokens", "must be an integer of at least 1"),
    ({"seed": "1"}, "seed", "must be an integer"),
    ({"stop": []}, "stop", "a string or an array of 1 to 16 strings"),
    ({"stop": [7]}, "stop", "a string or an array of 1 to 16 strings"),
    ({"n": 0}, "n", "must be an integer from 1 to 128"),
    ({"stream": "yes"}, "stream", "stream must be true or false"),
    ({"stream_options": {}}, "stream_options", "stream_options is only for `stream: true`"),
    (
        {"stream": True, "stream_options": {"include_usage": 1}},
        "stream_options.include_usage",
        "must be true or false",
    ),
    (
        {"stream": True, "stream_options": {"speed": 1}},
        "stream_options.speed",
        "unknown parameter 'stream_options.speed'",
    ),
    ({"temprature": 1}, "temprature", "unknown parameter 'temprature'"),
]  # fmt: skip


@pytest.mark.parametrize(("changed", "param", "said"), WRONG, ids=[w[1] for w in WRONG])
def test_what_is_wrong_is_named(changed: dict[str, Any], param: str, said: str) -> None:
    with pytest.raises(InvalidChat) as caught:
        chat_request({**BODY, **changed})

    assert caught.value.param == param
    assert said in str(caught.value)
    assert caught.value.code or "only for" in said


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)
KEYS = ["role", "content", "tool_calls", "tool_call_id", "refusal"]
written = st.dictionaries(st.sampled_from(KEYS), anything | st.sampled_from(["user", [CALL]]))
bodies = st.fixed_dictionaries(
    {"model": st.text() | anything, "messages": st.lists(written | anything, max_size=3)},
    optional={"stop": anything, "seed": anything, "stream": anything, "stream_options": anything},
)


@given(bodies | st.dictionaries(st.text(max_size=9), anything))
def test_whatever_is_sent_is_a_request_or_is_refused(body: dict[str, Any]) -> None:
    with suppress(InvalidChat):
        assert chat_request(body).messages


def test_a_server_reads_what_a_client_writes() -> None:
    asked = Request(
        messages=(
            Message(role="system", content="Be kind."),
            Message(role="user", content="Where is A-1?"),
            Message(
                role="assistant",
                content="",
                tool_calls=(ToolCall(id="c1", name="look_up", arguments={"id": "A-1"}),),
            ),
            Message(role="tool", content="shipped", tool_call_id="c1"),
        ),
        generation=Generation(temperature=0, max_tokens=8, top_p=0.9, seed=7, stop=("\n",)),
    )

    request = chat_request(json.loads(wire.encode(asked, "support", wire.Dialect(), stream=True)))

    assert request.messages == asked.messages
    assert (request.model, request.stream, request.include_usage) == ("support", True, True)
    assert request.options == {
        "temperature": 0,
        "max_tokens": 8,
        "top_p": 0.9,
        "seed": 7,
        "stop": ["\n"],
    }
