"""Tools that really run, each by the runner that its manifest names."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from tetrad.errors import ToolFailed, UsageError
from tetrad.model import HttpRun, PythonRun, Tool
from tetrad.results.exchange import ToolCall
from tetrad.results.trace import Called
from tetrad.tools.answer import Answer
from tetrad.tools.contract import check_result, tool_for
from tetrad.tools.http import run_http, service_client
from tetrad.tools.python import run_python

if TYPE_CHECKING:
    import httpx2


class LiveRun:
    """What the toolboxes of one run share: places for processes, and a client for services.

    There is a toolbox for every sample of every case, so neither could be a toolbox's own.
    """

    def __init__(self) -> None:
        # A batch on a GPU calls its tools in one moment: hundreds of processes would share the cores
        # until each had run out of its time. Most of what a tool does is waiting, hence four a core.
        self.places = asyncio.Semaphore(4 * (os.cpu_count() or 1))
        self._client: httpx2.AsyncClient | None = None

    @property
    def client(self) -> httpx2.AsyncClient:
        if self._client is None:
            self._client = service_client()
        return self._client

    async def aclose(self) -> None:
        if self._client is not None:
            await self._client.aclose()


class LiveToolbox:
    """Calls tools for real; only those with one of `effects`, so that an evaluation writes nothing.

    `root` is the repository, where `python:` modules lie and run.
    """

    def __init__(
        self,
        tools: Iterable[Tool],
        root: Path,
        run: LiveRun,
        *,
        effects: Collection[str] = ("read",),
        environment: Mapping[str, str] = os.environ,
    ) -> None:
        self._tools = {tool.name: tool for tool in tools}
        self._root = root
        self._effects = effects
        self._environment = environment
        self._shared = run

    async def call(self, call: ToolCall) -> Called:
        """What the tool answered; ToolFailed where it broke its contract, its limits or its line.

        What the model did wrong, and what the tool itself refused, goes back to the model.
        """
        tool = tool_for(call, self._tools)
        if isinstance(tool, Called):
            return tool
        if tool.effect not in self._effects:
            return Called(call=call, error=self._refusal(tool))
        answer = await self._run(tool, call)
        if answer.refusal is not None:
            return Called(call=call, error=answer.refusal)
        check_result(tool, answer.result)
        return Called(call=call, result=answer.result)

    async def _run(self, tool: Tool, call: ToolCall) -> Answer:
        if isinstance(tool.run, PythonRun):
            async with self._shared.places:
                subject = f"tool {tool.name!r}"
                return await run_python(subject, tool.run, call.arguments, root=self._root)
        if isinstance(tool.run, HttpRun):
            return await run_http(
                tool.name,
                tool.run,
                call.arguments,
                client=self._shared.client,
                environment=self._environment,
            )
        if tool.run is None:
            raise ToolFailed(
                f"tool {tool.name!r} has no runner\n  help: add `run:` to {tool.location.file}"
            )
        raise UsageError(
            f"tool {tool.name!r} runs on MCP, which is not supported yet\n"
            f"  help: use http: or python: in {tool.location.file}, or record its results in the case"
        )

    def _refusal(self, tool: Tool) -> str:
        effect = tool.effect or "not declared"
        return f"{tool.name} was not called: its effect is {effect}, and only {', '.join(self._effects)} may run here"
