"""The two JSON Schemas of a tool: what it may be asked and what it may answer."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from tetrad.canonical import Json, canonical_json
from tetrad.errors import ToolFailed
from tetrad.model import Tool
from tetrad.results.exchange import ToolCall
from tetrad.results.trace import Called
from tetrad.yamldoc.document import json_path

_SHOWN = 3  # problems in one message; a model fixes them one by one anyway
_COUNTED = 100  # a list of a megabyte has hundreds of thousands
_SHOWN_CHARS = 1_000  # of a problem, which repeats the value that has it


def tool_for(call: ToolCall, tools: Mapping[str, Tool]) -> Tool | Called:
    """The tool that is called; where the model called it wrongly, what goes back to the model."""
    tool = tools.get(call.name)
    if tool is None:
        there = ", ".join(tools) or "none"
        return Called(call=call, error=f"there is no tool {call.name!r}; there are: {there}")
    problem = _argument_problem(tool, call.arguments)
    return tool if problem is None else Called(call=call, error=f"bad arguments: {problem}")


def _argument_problem(tool: Tool, arguments: Json) -> str | None:
    """What is wrong with the arguments of a call, in words for the model; None if nothing is."""
    try:
        return _problem(tool.input_schema, arguments)
    except ValueError as exc:
        return f"not JSON: {exc}"


def check_result(tool: Tool, result: Json) -> None:
    """ToolFailed where a result breaks the tool's `output_schema`."""
    try:
        problem = _problem(tool.output_schema if tool.output_schema is not None else {}, result)
    except ValueError as exc:
        problem = f"not JSON: {exc}"
    if problem is not None:
        raise ToolFailed(
            f"tool {tool.name!r} broke its contract: {problem}\n"
            f"  help: fix the result, or output_schema in {tool.location.file}"
        )


def _problem(schema: Mapping[str, Json], value: Json) -> str | None:
    from tetrad.schemas.check import errors_of

    validator = _validator(canonical_json(schema))
    written = canonical_json(value)
    errors = errors_of(validator, json.loads(written), size=len(written))[:_COUNTED]
    if not errors:
        return None
    shown = [f"{json_path(one.instance_path)}: {_cut(one.message)}" for one in errors[:_SHOWN]]
    least = "at least " if len(errors) == _COUNTED else ""
    more = f" (and {least}{len(errors) - _SHOWN} more)" if len(errors) > _SHOWN else ""
    return "; ".join(shown) + more


def _cut(message: str) -> str:
    return message if len(message) <= _SHOWN_CHARS else f"{message[: _SHOWN_CHARS - 1]}…"


@lru_cache(maxsize=256)
def _validator(schema: bytes) -> Any:
    """A compiled schema, as it was checked when the tool was loaded."""
    from tetrad.schemas.check import compile_schema

    return compile_schema(json.loads(schema))
