"""What a model is told about its tools."""

from __future__ import annotations

from collections.abc import Iterable

from tetrad.canonical import as_digested
from tetrad.model import Tool
from tetrad.results.exchange import ToolDefinition


def definitions(tools: Iterable[Tool]) -> tuple[ToolDefinition, ...]:
    """The tools in their order, without how they run, their effect and their version."""
    return tuple(
        ToolDefinition(
            name=tool.name,
            description=tool.description,
            input_schema=as_digested(tool.input_schema),
        )
        for tool in tools
    )
