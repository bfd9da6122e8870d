"""Answers from a script."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import pytest

from tetrad.canonical import Json, digest_bytes
from tetrad.engines.scripted import Script
from tetrad.errors import EngineUnavailable
from tetrad.model import ScriptedAnswer, ScriptedEngine
from tetrad.results.exchange import Completion, Message, Request, ToolCall


def script(*answers: ScriptedAnswer) -> Script:
    return Script(ScriptedEngine(answers=answers, digest=digest_bytes(b"")))


def ask(engine: Script, *contents: str) -> Completion:
    messages = tuple(Message(role="user", content=content) for content in contents)
    return asyncio.run(engine.complete(Request(messages=messages)))


def test_the_first_answer_whose_text_is_in_the_last_message_is_given() -> None:
    engine = script(
        ScriptedAnswer(contains="parcel", output="delivery"),
        ScriptedAnswer(contains="late parcel", output="never"),
        ScriptedAnswer(contains="", output="other"),
    )

    assert ask(engine, "Where is my late parcel?").text == "delivery"
    assert ask(engine, "a parcel was here before", "Hello").text == "other"


def test_a_tool_call_is_asked_for_and_each_turn_has_ids_of_its_own() -> None:
    call: Mapping[str, Json] = {"name": "order_status", "arguments": {"order_id": "A-1"}}
    engine = script(ScriptedAnswer(contains="", output="", tool_calls=(call,)))
    asked = Message(role="user", content="Where?")
    first = asyncio.run(engine.complete(Request(messages=(asked,))))
    again = Message(role="assistant", content="", tool_calls=first.tool_calls)
    second = asyncio.run(engine.complete(Request(messages=(asked, again, asked))))

    assert first.tool_calls == (
        ToolCall(id="call-1-1", name="order_status", arguments={"order_id": "A-1"}),
    )
    assert first.finish_reason == "tool_calls"
    assert second.tool_calls[0].id == "call-2-1"


def test_no_answer_is_no_answer_and_names_the_message() -> None:
    engine = script(ScriptedAnswer(contains="parcel", output="delivery"))

    with pytest.raises(EngineUnavailable, match="no answer to 'Hello there H") as caught:
        ask(engine, "Hello there " * 300)

    assert len(str(caught.value)) < 300


def test_a_script_takes_no_time() -> None:
    completion = ask(script(ScriptedAnswer(contains="", output="x")), "Hello")

    assert (completion.latency_s, completion.first_token_s) == (0.0, 0.0)
