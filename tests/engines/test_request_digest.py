"""The digest under which a request's answer is kept."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tetrad.engines.interfaces import request_digest, request_document
from tetrad.model import Generation
from tetrad.results.exchange import (
    Choice,
    JsonOutput,
    Message,
    Request,
    ToolCall,
    ToolDefinition,
)

HELLO = Message(role="user", content="Hello")
REQUEST = Request(messages=(HELLO,))
CALL = ToolCall(id="a", name="look", arguments={"x": 1})
TOOL = ToolDefinition(name="look", description="Look.", input_schema={"type": "object"})

DIFFERENT = {
    "style": replace(REQUEST, style="completion"),
    "role": replace(REQUEST, messages=(replace(HELLO, role="system"),)),
    "content": replace(REQUEST, messages=(replace(HELLO, content="Hello "),)),
    "two messages": replace(REQUEST, messages=(HELLO, HELLO)),
    "tool call": replace(REQUEST, messages=(replace(HELLO, tool_calls=(CALL,)),)),
    "call's id": replace(REQUEST, messages=(replace(HELLO, tool_call_id="a"),)),
    "temperature": replace(REQUEST, generation=Generation(temperature=0)),
    "max_tokens": replace(REQUEST, generation=Generation(max_tokens=1)),
    "top_p": replace(REQUEST, generation=Generation(top_p=0.5)),
    "seed": replace(REQUEST, generation=Generation(seed=2**64 - 1)),
    "stop": replace(REQUEST, generation=Generation(stop=("\n",))),
    "choice": replace(REQUEST, constraint=Choice(labels=("a", "b"))),
    "choice's order": replace(REQUEST, constraint=Choice(labels=("b", "a"))),
    "json": replace(REQUEST, constraint=JsonOutput(schema={"type": "object"})),
    "tools": replace(REQUEST, tools=(TOOL,)),
    "a tool's words": replace(REQUEST, tools=(replace(TOOL, description="Look!"),)),
    "sample": replace(REQUEST, sample=1),
}


@pytest.mark.parametrize("other", DIFFERENT.values(), ids=DIFFERENT.keys())
def test_whatever_may_change_an_answer_changes_the_digest(other: Request) -> None:
    assert request_digest(other) != request_digest(REQUEST)


def test_all_these_digests_differ() -> None:
    digests = {request_digest(request) for request in DIFFERENT.values()}

    assert len(digests) == len(DIFFERENT)


def test_equal_requests_have_equal_digests() -> None:
    again = Request(
        messages=(Message(role="user", content="Hello"),), generation=Generation(temperature=None)
    )

    assert request_digest(again) == request_digest(REQUEST)


def test_what_is_at_its_default_is_not_in_the_document() -> None:
    assert request_document(REQUEST) == {
        "messages": [{"role": "user", "content": "Hello"}],
        "style": "chat",
    }


def test_answers_kept_by_earlier_versions_are_still_found() -> None:
    """By sha256sum of {"messages":[{"content":"Hello","role":"user"}],"style":"chat"}."""
    assert request_digest(REQUEST).hex == (
        "9c48d75a6e3792b3b6e298c5be0b276a792a43f250b83b88d359a5f5a4f9c330"
    )
