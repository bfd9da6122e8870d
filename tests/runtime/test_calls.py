"""The tool loop, by an engine's own calls and by constrained JSON."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import jsonschema_rs
import pytest
from fakes import ScriptedAnswers
from runtime.factory import ORDER_STATUS, prompt, runtime, stack

from tetrad.canonical import Json
from tetrad.errors import ToolFailed
from tetrad.model import Output
from tetrad.results.exchange import Choice, Completion, JsonOutput, Message, ToolCall
from tetrad.results.trace import Called, Generated, Guarded, Trace
from tetrad.runtime.answering import Runtime

CALL = ToolCall(id="c1", name="order_status", arguments={"order_id": "A-1"})
ASKS = Completion(text="", tool_calls=(CALL,), finish_reason="tool_calls")
ASKS_AS_JSON = '{"tool": "order_status", "arguments": {"order_id": "A-1"}}'
DESK = prompt(("system", "Order desk.\n"), ("user", "{{ message }}"))


@dataclass
class Tools:
    """A Toolbox that answers all calls alike."""

    result: Json = field(default_factory=lambda: {"state": "sent"})
    error: str | None = None
    broken: str | None = None
    called: list[ToolCall] = field(default_factory=list)

    async def call(self, call: ToolCall) -> Called:
        self.called.append(call)
        if self.broken is not None:
            raise ToolFailed(self.broken)
        return Called(call=call, result=self.result, error=self.error)


def answer(running: Runtime, tools: Tools) -> Trace:
    return asyncio.run(running.answer({"message": "Where is A-1?"}, toolbox=tools))


def kinds(trace: Trace) -> list[str]:
    return [type(step).__name__ for step in trace.steps]


def test_an_engines_own_calls_are_made_and_their_results_go_back(tmp_path: Path) -> None:
    engine = ScriptedAnswers(answers={"sent": "It was sent.", "": ASKS})
    tools = Tools()

    trace = answer(runtime(stack(DESK, tools=[ORDER_STATUS]), tmp_path, engine=engine), tools)

    assert kinds(trace) == ["Generated", "Called", "Generated"]
    assert trace.output == "It was sent."
    assert tools.called == [CALL]
    first, second = engine.asked
    assert [tool.name for tool in first.tools] == ["order_status"]
    assert second.messages == (
        *first.messages,
        Message(role="assistant", content="", tool_calls=(CALL,)),
        Message(role="tool", content='{"result": {"state": "sent"}}', tool_call_id="c1"),
    )


def test_a_contract_binds_the_engine_only_where_no_tool_is_offered(tmp_path: Path) -> None:
    desk = replace(DESK, output=Output(enum=("sent", "lost")))
    engine = ScriptedAnswers(answers={"result": "sent", "": ASKS})
    running = runtime(stack(desk, tools=[ORDER_STATUS], max_steps=2), tmp_path, engine=engine)

    trace = answer(running, Tools())

    assert [request.constraint for request in engine.asked] == [
        None,
        Choice(labels=("sent", "lost")),
    ]
    assert trace.output == "sent"


def test_several_calls_of_one_turn_are_made_in_order(tmp_path: Path) -> None:
    calls = tuple(replace(CALL, id=f"c{n}") for n in range(3))
    engine = ScriptedAnswers(answers={"sent": "Done.", "": replace(ASKS, tool_calls=calls)})

    trace = answer(runtime(stack(DESK, tools=[ORDER_STATUS]), tmp_path, engine=engine), Tools())

    assert [called.call.id for called in trace.called] == ["c0", "c1", "c2"]


@pytest.mark.parametrize(("count", "made"), [(32, 32), (33, 0)])
def test_a_turn_that_asks_for_too_many_calls_makes_none_and_ends_the_answer(
    tmp_path: Path, count: int, made: int
) -> None:
    calls = tuple(replace(CALL, id=f"c{n}") for n in range(count))
    asks = replace(ASKS, text="I look it up.", tool_calls=calls)
    engine = ScriptedAnswers(answers={"sent": "Done.", "": asks})

    trace = answer(runtime(stack(DESK, tools=[ORDER_STATUS]), tmp_path, engine=engine), Tools())

    assert len(trace.called) == made
    if not made:
        assert (trace.output, trace.error) == ("I look it up.", None)
        assert trace.steps[-1] == Guarded(
            rule="tool_loop", detail="one turn asked for 33 calls; 32 are allowed"
        )


def test_a_tools_refusal_goes_back_to_the_model(tmp_path: Path) -> None:
    engine = ScriptedAnswers(answers={"timeout": "I could not find out.", "": ASKS})
    running = runtime(stack(DESK, tools=[ORDER_STATUS]), tmp_path, engine=engine)

    trace = answer(running, Tools(error="timeout"))

    assert (trace.output, trace.error) == ("I could not find out.", None)
    assert engine.asked[1].messages[-1].content == '{"error": "timeout"}'


@pytest.mark.parametrize("native", [True, False])
def test_a_tool_that_fails_ends_in_the_trace_with_the_steps_so_far(
    tmp_path: Path, native: bool
) -> None:
    engine = ScriptedAnswers(answers={"": ASKS if native else ASKS_AS_JSON}, native_tools=native)
    running = runtime(stack(DESK, tools=[ORDER_STATUS]), tmp_path, engine=engine)

    trace = answer(running, Tools(broken="it took too long"))

    assert (trace.output, trace.error) == ("", "it took too long")
    assert kinds(trace) == ["Generated"]


@pytest.mark.parametrize("native", [True, False])
def test_the_last_step_may_not_call_tools(tmp_path: Path, native: bool) -> None:
    engine = ScriptedAnswers(answers={"": ASKS if native else ASKS_AS_JSON}, native_tools=native)
    running = runtime(stack(DESK, tools=[ORDER_STATUS], max_steps=2), tmp_path, engine=engine)

    trace = answer(running, Tools())

    assert kinds(trace) == ["Generated", "Called", "Generated", "Guarded"]
    assert trace.steps[-1] == Guarded(rule="tool_loop", detail="the last step asked for a tool")
    first, last = (step for step in trace.steps if isinstance(step, Generated))
    if native:
        # named all the same, since the messages hold calls of them
        assert (len(first.request.tools), len(last.request.tools)) == (1, 1)
        assert (first.request.may_call, last.request.may_call) == (True, False)
    else:
        assert isinstance(last.request.constraint, JsonOutput)
        assert list(last.request.constraint.schema["properties"]) == ["answer"]  # type: ignore[arg-type]


def test_an_engine_without_calls_is_told_of_the_tools_and_bound_to_json(tmp_path: Path) -> None:
    engine = ScriptedAnswers(
        answers={"sent": '{"answer": "It was sent."}', "": ASKS_AS_JSON}, native_tools=False
    )
    tools = Tools()

    trace = answer(runtime(stack(DESK, tools=[ORDER_STATUS]), tmp_path, engine=engine), tools)

    first, second = engine.asked
    assert trace.output == "It was sent."
    assert tools.called == [ToolCall(id="call-1", name="order_status", arguments=CALL.arguments)]
    assert first.tools == ()
    assert first.messages[0].content.startswith("Order desk.\n\nTools:\n- order_status: Look up")
    assert second.messages == (
        *first.messages,
        Message(role="assistant", content=ASKS_AS_JSON),
        Message(role="user", content='{"tool": "order_status", "result": {"state": "sent"}}'),
    )


def test_a_prompt_without_a_system_message_is_told_of_the_tools_first(tmp_path: Path) -> None:
    running = runtime(
        stack(tools=[ORDER_STATUS]), tmp_path, engine=ScriptedAnswers(native_tools=False)
    )

    request = running.prepare({"message": "a"}).request

    assert request is not None
    assert [m.role for m in request.messages] == ["system", "user"]


def test_in_completion_style_the_whole_loop_is_one_text(tmp_path: Path) -> None:
    engine = ScriptedAnswers(answers={"sent": '{"answer": "Sent."}', "": ASKS_AS_JSON})
    desk = prompt(("system", "Desk."), ("user", "Q: {{ message }}\nA:"), style="completion")

    trace = answer(runtime(stack(desk, tools=[ORDER_STATUS]), tmp_path, engine=engine), Tools())

    text = "\n\n".join(message.content for message in engine.asked[1].messages)
    assert trace.output == "Sent."
    assert text.endswith(
        f"Q: Where is A-1?\nA: {ASKS_AS_JSON}\n\n"
        '{"tool": "order_status", "result": {"state": "sent"}}\n'
    )


@pytest.mark.parametrize(
    "said",
    [
        "It was sent.",
        "[" * 100_000,
        '{"tool": "rm_rf", "arguments": {}}',
        '{"tool": "order_status", "arguments": []}',
        "[1]",
        '{"answer": NaN}',
        '{"answer": [Infinity]}',
    ],
    ids=lambda said: said[:20],
)
def test_what_is_neither_a_call_nor_an_answer_goes_out_and_is_said(
    tmp_path: Path, said: str
) -> None:
    engine = ScriptedAnswers(answers={"": said}, native_tools=False)

    trace = answer(runtime(stack(DESK, tools=[ORDER_STATUS]), tmp_path, engine=engine), Tools())

    assert trace.output == said
    assert trace.steps[-1] == Guarded(
        rule="tool_loop", detail="this is neither a tool call nor an answer"
    )


def test_the_answer_keeps_the_prompts_own_contract(tmp_path: Path) -> None:
    schema: Json = {"type": "object", "required": ["state"]}
    desk = replace(DESK, output=Output(format="json", schema=schema))  # type: ignore[arg-type]
    engine = ScriptedAnswers(answers={"": '{"answer": {"state": "sent"}}'}, native_tools=False)
    running = runtime(stack(desk, tools=[ORDER_STATUS]), tmp_path, engine=engine)

    trace = answer(running, Tools())

    assert json.loads(trace.output) == {"state": "sent"}
    assert kinds(trace) == ["Generated"]


def test_the_schema_of_calls_takes_calls_and_answers_and_nothing_else(tmp_path: Path) -> None:
    referring: dict[str, Json] = {
        "type": "object",
        "properties": {"order_id": {"$ref": "#/$defs/id"}},
        "required": ["order_id"],
        "$defs": {"id": {"type": "string", "pattern": "^A-[0-9]$"}},
    }
    second = replace(ORDER_STATUS, name="second", input_schema=referring)
    engine = ScriptedAnswers(native_tools=False)
    running = runtime(stack(DESK, tools=[ORDER_STATUS, second]), tmp_path, engine=engine)

    request = running.prepare({"message": "a"}).request

    assert request is not None
    assert isinstance(request.constraint, JsonOutput)
    takes = jsonschema_rs.validator_for(dict(request.constraint.schema)).is_valid
    assert takes({"answer": "yes"})
    assert takes({"tool": "second", "arguments": {"order_id": "A-1"}})
    assert not takes({"tool": "second", "arguments": {"order_id": "B"}})
    assert not takes({"tool": "third", "arguments": {"order_id": "A-1"}})
    assert not takes({"answer": "yes", "tool": "second"})
    assert not takes({"answer": 1})


REFERRING: Json = {
    "type": "object",
    "properties": {"state": {"$ref": "#/$defs/state"}},
    "required": ["state"],
    "$defs": {"state": {"enum": ["sent", "lost"]}},
}
# What schemas that are published somewhere bring along.
NAMED: Mapping[str, Json] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "$id": "https://example.com/order.json",
    "type": "object",
    "properties": {"order_id": {"$ref": "#/$defs/id"}, "other": {"$ref": "#id"}},
    "required": ["order_id"],
    "$defs": {"id": {"$anchor": "id", "type": "string", "pattern": "^A-[0-9]$"}},
}


def test_references_of_an_answers_schema_still_lead_somewhere(tmp_path: Path) -> None:
    desk = replace(DESK, output=Output(format="json", schema=REFERRING))  # type: ignore[arg-type]
    engine = ScriptedAnswers(answers={"": ASKS_AS_JSON}, native_tools=False)

    answer(runtime(stack(desk, tools=[ORDER_STATUS]), tmp_path, engine=engine), Tools())

    assert len(engine.asked) == 3  # the last may only be answered
    for request in engine.asked:
        assert isinstance(request.constraint, JsonOutput)
        takes = jsonschema_rs.validator_for(dict(request.constraint.schema)).is_valid
        assert takes({"answer": {"state": "sent"}})
        assert not takes({"answer": {"state": "gone"}})


def test_references_of_a_schema_with_an_id_of_its_own_still_lead_somewhere(tmp_path: Path) -> None:
    named = replace(ORDER_STATUS, name="named", input_schema=NAMED)
    running = runtime(
        stack(DESK, tools=[ORDER_STATUS, named]),
        tmp_path,
        engine=ScriptedAnswers(native_tools=False),
    )

    request = running.prepare({"message": "a"}).request

    assert request is not None
    assert isinstance(request.constraint, JsonOutput)
    takes = jsonschema_rs.validator_for(dict(request.constraint.schema)).is_valid
    assert takes({"tool": "named", "arguments": {"order_id": "A-1", "other": "A-2"}})
    assert not takes({"tool": "named", "arguments": {"order_id": "B"}})
    assert not takes({"tool": "named", "arguments": {"order_id": "A-1", "other": "B"}})


def test_an_answer_as_json_is_one_of_the_labels(tmp_path: Path) -> None:
    desk = replace(DESK, output=Output(enum=("sent", "lost")))
    engine = ScriptedAnswers(answers={"": '{"answer": "sent"}'}, native_tools=False)

    trace = answer(runtime(stack(desk, tools=[ORDER_STATUS]), tmp_path, engine=engine), Tools())

    constraint = engine.asked[0].constraint
    assert isinstance(constraint, JsonOutput)
    takes = jsonschema_rs.validator_for(json.loads(json.dumps(constraint.schema))).is_valid
    assert takes({"answer": "lost"})
    assert not takes({"answer": "gone"})
    assert (trace.output, kinds(trace)) == ("sent", ["Generated"])


def test_what_is_no_unicode_comes_in_and_goes_out_as_a_replacement(tmp_path: Path) -> None:
    engine = ScriptedAnswers(
        answers={"result": '{"answer": "\\ud83d!"}', "": ASKS_AS_JSON}, native_tools=False
    )
    running = runtime(stack(DESK, tools=[ORDER_STATUS]), tmp_path, engine=engine)

    trace = answer(running, Tools(result="\ud83d\U0001f4e6"))

    assert trace.output == "\ufffd!"
    assert engine.asked[1].messages[-1].content.endswith('"result": "\ufffd\U0001f4e6"}')
