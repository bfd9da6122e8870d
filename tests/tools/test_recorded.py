"""What recorded tools answer."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any

import pytest

from tetrad.canonical import Json
from tetrad.errors import Location, ToolFailed
from tetrad.model import RecordedCall, Tool
from tetrad.results.exchange import ToolCall, ToolDefinition
from tetrad.results.trace import Called
from tetrad.tools import RecordedToolbox, definitions


def a_tool(**keys: Any) -> Tool:
    return Tool(
        **{
            "ref": "stacks/tools/order-status",
            "location": Location("stacks/tools/order-status.yaml"),
            "name": "order_status",
            "description": "Look up the state of an order by its id.",
            "input_schema": {
                "type": "object",
                "properties": {"order_id": {"type": "string", "pattern": "^[A-Z]-[0-9]{4}$"}},
                "required": ["order_id"],
                "additionalProperties": False,
            },
            "output_schema": {
                "type": "object",
                "properties": {"state": {"enum": ["sent", "open"]}},
                "required": ["state"],
                "additionalProperties": False,
            },
            "effect": "read",
            **keys,
        }
    )


def ask(
    toolbox: RecordedToolbox, arguments: Mapping[str, Json], name: str = "order_status"
) -> Called:
    return asyncio.run(toolbox.call(ToolCall(id="1", name=name, arguments=arguments)))


def test_a_model_sees_name_description_and_arguments_alone() -> None:
    tool = a_tool()

    assert definitions([tool]) == (
        ToolDefinition(
            name="order_status",
            description="Look up the state of an order by its id.",
            input_schema=tool.input_schema,
        ),
    )


def test_a_call_gets_the_result_that_was_recorded_for_its_arguments() -> None:
    toolbox = RecordedToolbox(
        [
            RecordedCall(tool="order_status", arguments={"order_id": "A-1"}, result={"state": "open"}),
            RecordedCall(tool="order_status", arguments={"order_id": "B-0002"}, result={"state": "sent"}),
        ],
        [a_tool()],
    )  # fmt: skip

    assert ask(toolbox, {"order_id": "B-0002"}).result == {"state": "sent"}


def test_a_recorded_call_without_arguments_answers_any_call_of_its_tool() -> None:
    toolbox = RecordedToolbox(
        [RecordedCall(tool="order_status", result={"state": "sent"})], [a_tool()]
    )

    assert ask(toolbox, {"order_id": "X-9999"}).result == {"state": "sent"}


def test_each_recorded_call_answers_once_and_in_order() -> None:
    toolbox = RecordedToolbox(
        [
            RecordedCall(tool="order_status", error="timeout"),
            RecordedCall(tool="order_status", result={"state": "sent"}),
        ],
        [a_tool()],
    )

    answers = [ask(toolbox, {"order_id": "A-1234"}) for _ in range(3)]

    assert [(a.result, a.error) for a in answers] == [
        (None, "timeout"),
        ({"state": "sent"}, None),
        (None, "nothing is recorded for this call of order_status"),
    ]


def test_true_and_one_are_different_arguments() -> None:
    tool = a_tool(input_schema={"type": "object"}, output_schema=None)
    toolbox = RecordedToolbox(
        [RecordedCall(tool="order_status", arguments={"all": True}, result="yes")], [tool]
    )

    assert ask(toolbox, {"all": 1}).error == "nothing is recorded for this call of order_status"


def test_bad_arguments_go_back_to_the_model_and_use_nothing_up() -> None:
    toolbox = RecordedToolbox(
        [RecordedCall(tool="order_status", result={"state": "sent"})], [a_tool()]
    )

    bad = ask(toolbox, {"order_id": "1234", "fast": "yes"})

    assert bad.error is not None
    assert bad.error.startswith("bad arguments: ")
    assert "$.order_id" in bad.error
    assert "fast" in bad.error
    assert ask(toolbox, {"order_id": "A-1234"}).result == {"state": "sent"}


def test_a_number_that_json_cannot_carry_goes_back_to_the_model() -> None:
    toolbox = RecordedToolbox([], [a_tool(input_schema={"type": "object"})])

    error = ask(toolbox, {"n": 2**60}).error

    assert error is not None
    assert error.startswith("bad arguments: not JSON")


def test_a_tool_that_the_stack_does_not_have_goes_back_to_the_model() -> None:
    toolbox = RecordedToolbox([], [a_tool()])

    assert ask(toolbox, {}, name="refund").error == (
        "there is no tool 'refund'; there are: order_status"
    )


def test_a_recorded_result_that_breaks_the_contract_is_an_error_of_the_golden_set() -> None:
    toolbox = RecordedToolbox(
        [RecordedCall(tool="order_status", result={"state": "lost"})], [a_tool()]
    )

    with pytest.raises(
        ToolFailed, match=r"'order_status' broke its contract: \$\.state: "
    ) as caught:
        ask(toolbox, {"order_id": "A-1234"})

    assert "stacks/tools/order-status.yaml" in str(caught.value)


@pytest.mark.parametrize("state", ["x" * 500_000, list(range(200_000))])
def test_what_is_said_of_a_large_result_is_short(state: Json) -> None:
    tool = a_tool(output_schema={"items": {"type": "string"}, "maxLength": 3})
    recorded = RecordedCall(tool="order_status", result=state)

    with pytest.raises(ToolFailed) as caught:
        ask(RecordedToolbox([recorded], [tool]), {"order_id": "A-1234"})

    assert len(str(caught.value)) < 1_200


def test_a_schema_never_reads_a_file() -> None:
    tool = a_tool(input_schema={"$ref": "file:///etc/hostname"})
    toolbox = RecordedToolbox([], [tool])

    error = ask(toolbox, {}).error

    assert error is not None
    assert "file:///etc/hostname lies outside the schema" in error


def test_a_model_sees_a_schema_that_does_not_depend_on_the_order_of_its_keys() -> None:
    one = {"type": "object", "properties": {"b": {"type": "string"}, "a": {"type": "integer"}}}
    two = {"properties": {"a": {"type": "integer"}, "b": {"type": "string"}}, "type": "object"}

    shown = [
        json.dumps(definitions([a_tool(input_schema=schema)])[0].input_schema)
        for schema in (one, two)
    ]

    assert shown[0] == shown[1]
