"""Tools that answer what a case recorded: the same call gets the same answer, every time."""

from __future__ import annotations

from collections.abc import Iterable

from tetrad.canonical import canonical_json
from tetrad.model import RecordedCall, Tool
from tetrad.results.exchange import ToolCall
from tetrad.results.trace import Called
from tetrad.tools.contract import check_result, tool_for


class RecordedToolbox:
    """Answers each call by the first recorded call, not used yet, that matches it."""

    def __init__(self, recorded: Iterable[RecordedCall], tools: Iterable[Tool]) -> None:
        self._unused = list(recorded)
        self._tools = {tool.name: tool for tool in tools}

    async def call(self, call: ToolCall) -> Called:
        """The recorded answer; ToolFailed where it breaks the tool's contract.

        What the model did wrong, and a call that nothing was recorded for, goes back to the model.
        """
        tool = tool_for(call, self._tools)
        if isinstance(tool, Called):
            return tool
        answer = self._take(call)
        if answer is None:
            return Called(call=call, error=f"nothing is recorded for this call of {call.name}")
        if answer.error is not None:
            return Called(call=call, error=answer.error)
        check_result(tool, answer.result)
        return Called(call=call, result=answer.result)

    def _take(self, call: ToolCall) -> RecordedCall | None:
        for position, recorded in enumerate(self._unused):
            if _matches(recorded, call):
                return self._unused.pop(position)
        return None


def _matches(recorded: RecordedCall, call: ToolCall) -> bool:
    if recorded.tool != call.name:
        return False
    # By canonical bytes, since Python takes True for 1.
    return recorded.arguments is None or (
        canonical_json(recorded.arguments) == canonical_json(call.arguments)
    )
