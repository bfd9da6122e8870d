"""How long an answer can take, by what limits it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from runtime.factory import HERE, stack

from tetrad.canonical import digest_bytes
from tetrad.model import Guardrails, OpenAIEngine, ScriptedEngine, Stack, Tool
from tetrad.model.serving import Queue
from tetrad.model.tool import HttpRun
from tetrad.runtime.longest_answer import longest_answer_s


def asking(engine: OpenAIEngine | None = None, **more: Any) -> Stack:
    found = stack()
    engine = engine or OpenAIEngine(model="m", timeout_s=60)
    return replace(found, model=replace(found.model, engine=engine), **more)


def tool(timeout_s: float) -> Tool:
    return Tool(
        ref="stacks/tools/look",
        location=HERE,
        name="look",
        description="Look.",
        input_schema={},
        run=HttpRun(url="http://x", timeout_s=timeout_s),
    )


LONGER = {
    "the queue": (asking(), Queue(deadline_s=31)),
    "the model's limit": (asking(OpenAIEngine(model="m", timeout_s=61)), Queue()),
    "a repair": (asking(guardrails=Guardrails(repair_output=True)), Queue()),
    "a tool": (asking(tools=(tool(1),)), Queue()),
}


@pytest.mark.parametrize("what", LONGER)
def test_whatever_an_answer_may_wait_for_counts(what: str) -> None:
    longer, queue = LONGER[what]

    assert longest_answer_s(longer, queue) > longest_answer_s(asking(), Queue())


@pytest.mark.parametrize("slower", [(tool(20),), (tool(1), tool(20))])
def test_a_tool_that_may_take_longer_counts_with_each_call(slower: tuple[Tool, ...]) -> None:
    few = asking(tools=(tool(1),), max_steps=2)
    more = longest_answer_s(replace(few, tools=slower), Queue()) - longest_answer_s(few, Queue())

    assert more >= 2 * 19


def test_a_model_server_is_waited_for_and_asked_twice() -> None:
    assert longest_answer_s(asking(), Queue(deadline_s=30)) >= 30 + 2 * 60


def test_a_model_in_this_process_has_time_and_a_script_needs_none() -> None:
    scripted = ScriptedEngine(answers=(), digest=digest_bytes(b""))
    found = stack()
    read = replace(found, model=replace(found.model, engine=scripted))

    assert longest_answer_s(found, Queue()) > longest_answer_s(read, Queue())
