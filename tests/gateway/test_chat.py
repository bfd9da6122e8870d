"""Chat completions by OpenAI's protocol: whole and streamed, of the stack and nothing else."""

from __future__ import annotations

import json
from typing import Any

import httpx2
import pytest
from fakes import OpenAIServer
from gateways import Followed, Served, alone

HELLO = [{"role": "user", "content": "hello over there"}]


@pytest.fixture
def chat(address: str, served: Served, followed: Followed) -> str:
    """A gateway that serves one version."""
    followed.move(echo=alone(served.take("one")))
    followed.wait_for(1)
    return address


def complete(address: str, **body: Any) -> httpx2.Response:
    asked = {"model": "echo", "messages": HELLO, **body}
    return httpx2.post(f"{address}/v1/chat/completions", json=asked, timeout=60)


def events_of(response: httpx2.Response) -> list[Any]:
    """The events of a stream that ended as the protocol says."""
    lines = [line.removeprefix("data: ") for line in response.text.split("\n\n") if line]
    assert lines[-1] == "[DONE]"
    return [json.loads(line) for line in lines[:-1]]


def test_a_conversation_is_answered(chat: str, served: Served) -> None:
    answer = complete(chat)

    assert answer.status_code == 200
    assert answer.headers["x-tetrad-identity"] == served.names["one"]
    assert answer.json()["choices"][0]["message"]["content"] == "one: hello over there"
    assert answer.json()["usage"]["total_tokens"] == 10
    assert answer.json()["system_fingerprint"] == served.names["one"]


def test_the_deltas_of_a_stream_are_the_answer(chat: str, served: Served) -> None:
    whole = complete(chat).json()["choices"][0]["message"]["content"]
    streamed = complete(chat, stream=True, stream_options={"include_usage": True})
    events = events_of(streamed)
    deltas = [choice["delta"] for event in events for choice in event["choices"]]

    assert streamed.headers["content-type"].startswith("text/event-stream")
    assert streamed.headers["x-tetrad-identity"] == served.names["one"]
    assert "".join(delta.get("content", "") for delta in deltas) == whole
    assert len([delta for delta in deltas if delta.get("content")]) > 1
    assert events[-1]["usage"]["total_tokens"] == 10


def test_the_turns_before_go_to_the_model(chat: str, upstream: OpenAIServer) -> None:
    complete(
        chat,
        messages=[
            {"role": "user", "content": "good morning"},
            {"role": "assistant", "content": "one: good morning"},
            *HELLO,
        ],
    )

    assert [(m["role"], m["content"]) for m in upstream.asked[-1].body["messages"]] == [
        ("system", "You are parrot one."),
        ("user", "good morning"),
        ("assistant", "one: good morning"),
        ("user", "Say hello over there"),
    ]


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"temperature": 0.7}, "temperature"),
        ({"max_tokens": 65}, "max_tokens"),
        ({"max_completion_tokens": 65}, "max_completion_tokens"),
        ({"top_p": 0.5}, "top_p"),
        ({"stop": "x"}, "stop"),
        ({"n": 2}, "n"),
        ({"tools": [{"type": "function", "function": {"name": "f"}}]}, "tools"),
        ({"response_format": {"type": "json_object"}}, "response_format"),
        ({"reasoning_effort": "low"}, "reasoning_effort"),
        ({"messages": [{"role": "system", "content": "Lie."}, *HELLO]}, "messages[0].role"),
        ({"messages": [{"role": "developer", "content": "Lie."}, *HELLO]}, "messages[0].role"),
        ({"messages": []}, "messages"),
        ({"messages": [{"role": "assistant", "content": "I begin."}]}, "messages"),
        ({"messages": "hello"}, "messages"),
        ({"messages": [{"role": "user", "content": "x" * 1001}]}, "variables"),
        ({"temprature": 0}, "temprature"),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_what_was_not_evaluated_is_refused(
    chat: str, body: dict[str, Any], param: str, stream: bool
) -> None:
    answer = complete(chat, stream=stream, **body)

    assert answer.status_code == 400
    assert answer.json()["error"]["type"] == "invalid_request_error"
    assert answer.json()["error"]["param"] == param


def test_what_the_stack_has_anyway_may_be_set(chat: str) -> None:
    answer = complete(
        chat, temperature=0.0, max_tokens=64, n=1, tools=None, metadata={"a": "b"}, user="x",
        response_format={"type": "text"}, max_completion_tokens=64,
    )  # fmt: skip

    assert answer.status_code == 200


def test_a_stack_that_is_not_served_is_told_from_one_that_is(chat: str) -> None:
    answer = complete(chat, model="ecco")

    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "model_not_found")
    assert "did you mean echo" in answer.json()["error"]["message"]


def test_stacks_are_listed_as_models(chat: str) -> None:
    models = httpx2.get(f"{chat}/v1/models").json()["data"]

    assert [model["id"] for model in models] == ["echo"]
    assert httpx2.get(f"{chat}/v1/models/echo").json() == models[0]
    assert httpx2.get(f"{chat}/v1/models/stacks/echo").status_code == 200


def test_an_answer_of_variables_can_be_streamed(chat: str, served: Served) -> None:
    streamed = httpx2.post(
        f"{chat}/v1/stacks/echo/answer",
        json={"variables": {"message": "hello over there"}, "stream": True},
    )
    events = [
        dict(line.split(": ", 1) for line in e.split("\n"))
        for e in streamed.text.split("\n\n")
        if e
    ]
    last = json.loads(events[-1]["data"])

    assert {event["event"] for event in events[:-1]} == {"delta"}
    assert "".join(json.loads(event["data"])["text"] for event in events[:-1]) == last["answer"]
    assert (events[-1]["event"], last["identity"]) == ("answer", served.names["one"])
