"""Which recorded calls of a case are those of another one under other names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest
from evals.cases import HERE

from tetrad.canonical import Json
from tetrad.model import RecordedCall, Tool
from tetrad.plan.recordings import recorded_otherwise


def tool(name: str, *arguments: str) -> Tool:
    properties: dict[str, Json] = {argument: {"type": "string"} for argument in arguments}
    return Tool(
        ref=f"tools/{name}",
        location=HERE,
        name=name,
        description="Look it up.",
        input_schema={"type": "object", "properties": properties, "additionalProperties": False},
    )


def call(arguments: Mapping[str, Json] | None, result: Json, name: str = "find") -> RecordedCall:
    return RecordedCall(tool=name, arguments=arguments, result=result)


BEFORE = [call({"id": "A"}, "sent"), call({"id": "B"}, "lost")]
RENAMED = [call({"number": "A"}, "sent"), call({"number": "B"}, "lost")]
TIMEOUT = RecordedCall(tool="find", arguments={"id": "A"}, error="timeout")
FIND = tool("find", "id")
ROUTE = [call({"from": "Oslo", "to": "Bath"}, "far"), call({"from": "Bath", "to": "Cork"}, "near")]

SAME: dict[str, tuple[Sequence[RecordedCall], Sequence[RecordedCall], Tool, Tool]] = {
    "nothing": (BEFORE, BEFORE, FIND, FIND),
    "another argument": (BEFORE, RENAMED, FIND, tool("find", "number")),
    "another tool": (
        BEFORE,
        [call({"id": "A"}, "sent", "seek"), call({"id": "B"}, "lost", "seek")],
        FIND,
        tool("seek", "id"),
    ),
    "one more argument": (
        BEFORE,
        [call({"id": "A", "lang": "en"}, "sent"), call({"id": "B", "lang": "en"}, "lost")],
        FIND,
        tool("find", "id", "lang"),
    ),
    "one argument less": (
        [call({"id": "A", "lang": "en"}, "sent")],
        [call({"id": "A"}, "sent")],
        tool("find", "id", "lang"),
        FIND,
    ),
    "both arguments": (
        ROUTE,
        [call({"a": "Oslo", "b": "Bath"}, "far"), call({"a": "Bath", "b": "Cork"}, "near")],
        tool("find", "from", "to"),
        tool("find", "a", "b"),
    ),
    "any arguments": (
        [call(None, "sent")],
        [call(None, "sent", "seek")],
        FIND,
        tool("seek", "id"),
    ),
}


@pytest.mark.parametrize("case", SAME)
def test_calls_under_other_names_are_the_same(case: str) -> None:
    before, after, old, new = SAME[case]

    assert list(recorded_otherwise(before, after, {old.name: old}, {new.name: new})) == []


NUMBER = tool("find", "number")
OTHER: dict[str, tuple[Sequence[RecordedCall], Sequence[RecordedCall], Tool, Tool]] = {
    "results exchanged": (
        BEFORE,
        [call({"number": "A"}, "lost"), call({"number": "B"}, "sent")],
        FIND,
        NUMBER,
    ),
    "values exchanged": (
        BEFORE,
        [call({"number": "B"}, "sent"), call({"number": "A"}, "lost")],
        FIND,
        NUMBER,
    ),
    "values exchanged beside a new argument": (
        BEFORE,
        [call({"number": "B", "x": "A"}, "sent"), call({"number": "A", "x": "B"}, "lost")],
        FIND,
        tool("find", "number", "x"),
    ),
    "values exchanged under the old name": (
        BEFORE,
        [call({"id": "B", "x": "A"}, "sent"), call({"id": "A", "x": "B"}, "lost")],
        FIND,
        tool("find", "id", "x"),
    ),
    "two arguments exchanged in one call": (
        ROUTE,
        [call({"a": "Bath", "b": "Oslo"}, "far"), call({"a": "Bath", "b": "Cork"}, "near")],
        tool("find", "from", "to"),
        tool("find", "a", "b"),
    ),
    "any arguments": (
        BEFORE,
        [call(None, "sent"), call(None, "lost")],
        FIND,
        NUMBER,
    ),
    "an argument left out that the tool takes": (
        BEFORE[:1],
        [call({}, "sent")],
        FIND,
        tool("find", "id", "lang"),
    ),
    "a failure dropped": (
        [TIMEOUT, call({"id": "A"}, "sent")],
        [call({"number": "A"}, "sent")],
        FIND,
        NUMBER,
    ),
    "a failure made a result": (
        [TIMEOUT],
        [call({"number": "A"}, "timeout")],
        FIND,
        NUMBER,
    ),
    "a truth for a number": (
        [call({"id": 1}, "sent")],
        [call({"number": True}, "sent")],
        FIND,
        NUMBER,
    ),
    "one call more": (BEFORE[:1], BEFORE, FIND, FIND),
    "nothing recorded for the new tool": (BEFORE, [], FIND, tool("seek", "id")),
}


@pytest.mark.parametrize("case", OTHER)
def test_calls_with_more_than_other_names_are_not(case: str) -> None:
    before, after, old, new = OTHER[case]

    assert list(recorded_otherwise(before, after, {old.name: old}, {new.name: new}))


def test_a_tool_that_is_gone_needs_no_calls() -> None:
    both = {"find": FIND, "seek": tool("seek", "id")}

    assert list(recorded_otherwise(BEFORE, [], both, {"seek": both["seek"]})) == []


def test_two_tools_are_not_taken_for_one() -> None:
    before = [call({"id": "A"}, "sent", "find"), call({"id": "A"}, "sent", "seek")]
    after = [call({"id": "A"}, "sent", "look"), call({"id": "A"}, "sent", "look")]
    both = {"find": FIND, "seek": tool("seek", "id")}

    assert list(recorded_otherwise(before, after, both, {"look": tool("look", "id")})) == ["look"]
