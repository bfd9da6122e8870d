"""What an evaluation prepares, and how it answers that."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

from fakes import ScriptedAnswers
from runtime.factory import ORDER_STATUS, prompt, runtime, stack

from tetrad.evals.prepared import PreparedOnce
from tetrad.model import ChatInput, History, RecordedCall, Turn
from tetrad.results.exchange import Completion, ToolCall
from tetrad.runtime.answering import Given
from tetrad.tools import RecordedToolbox

CANCEL = replace(ORDER_STATUS, name="cancel_order", effect="destructive")
CALL = ToolCall(id="c1", name="cancel_order", arguments={"order_id": "A-1"})


def test_a_recorded_call_of_a_destructive_tool_is_confirmed(tmp_path: Path) -> None:
    asked = Completion(text="", tool_calls=(CALL,), finish_reason="tool_calls")
    engine = ScriptedAnswers({"cancelled": "Done.", "": asked})
    once = PreparedOnce(runtime(stack(tools=[CANCEL]), tmp_path, engine=engine))
    recorded = RecordedToolbox((RecordedCall(tool="cancel_order", result="cancelled"),), (CANCEL,))

    [prepared] = once.prepare_many([Given(vars={"message": "Cancel A-1"})])
    trace = asyncio.run(once.answer_prepared(prepared, toolbox=recorded))

    assert (trace.output, trace.unconfirmed) == ("Done.", ())
    assert [called.result for called in trace.called] == ["cancelled"]


def test_requests_that_differ_by_their_turns_are_prepared_apart(tmp_path: Path) -> None:
    chat = ChatInput(input="message", history=History(max_tokens=100))
    once = PreparedOnce(runtime(stack(prompt(chat=chat)), tmp_path))
    turns = (Turn(role="user", content="Hello"), Turn(role="assistant", content="Hi"))
    plain, after = Given(vars={"message": "a"}), Given(vars={"message": "a"}, history=turns)

    first, second, third = once.prepare_many([plain, after, plain])

    assert first is third
    assert len(second.request.messages) == 3  # type: ignore[union-attr]
