"""Once a tool has written something, nothing is asked twice for the same request."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import fakes
import pytest
from fakes import Asked, Reply
from gateway.conftest import RunsGateway
from gateways import FILES, Served, alone, ask, parrot, until_warm
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tetrad.model.serving import Serving

TOOL = """\
kind: tool
name: note
description: Note a text.
input_schema: {type: object, properties: {text: {type: string}}, additionalProperties: false}
effect: EFFECT
run: {http: "URL"}
version: 1
"""


class Notes:
    """A service that a tool calls; it counts how often."""

    def __init__(self) -> None:
        self.noted = 0

    @contextmanager
    def files(self, effect: str) -> Iterator[dict[str, str]]:
        """Those of a stack that has the tool, while the service runs."""
        app = Starlette(routes=[Route("/note", self._note, methods=["POST"])])
        with fakes.serving(app) as url:
            yield {
                **FILES,
                "stacks/echo.yaml": FILES["stacks/echo.yaml"] + "tools: [stacks/tools/note]\n",
                "stacks/tools/note.yaml": TOOL.replace("EFFECT", effect).replace(
                    "URL", f"{url}/note"
                ),
            }

    async def _note(self, _: Request) -> Response:
        self.noted += 1
        return JSONResponse({"ok": True})


def fails_after_the_tool(tries: int) -> Callable[[Asked], Reply]:
    """Version `bad` calls the tool, and then its model server fails so many times."""
    failed = 0

    def answer(asked: Asked) -> Reply:
        nonlocal failed
        messages = asked.body["messages"]
        if "parrot bad" not in messages[0]["content"] or "hello" not in str(messages):
            return parrot(asked)
        if messages[-1]["role"] != "tool":
            return Reply(tool_calls=[{"name": "note", "arguments": {"text": "x"}}])
        failed += 1
        return Reply(status=500) if failed <= tries else Reply(text="noted")

    return answer


@pytest.mark.parametrize(("effect", "status"), [("read", 200), ("write", 502)])
def test_no_other_identity_answers(
    gateway_before: RunsGateway, served: Served, effect: str, status: int
) -> None:
    notes = Notes()
    with notes.files(effect) as files:
        both = alone(served.take("bad", files), served.take("good", files))
        pointer = replace(both, serving=Serving(fallback="previous"))
        with gateway_before(fails_after_the_tool(99), pointer) as (address, _):
            until_warm(address)
            found = ask(address)

        assert found.status_code == status
        assert found.headers.get("x-tetrad-fallback") == ("previous" if status == 200 else None)
        assert notes.noted == 1


@pytest.mark.parametrize(("effect", "status", "asked"), [("read", 200, 3), ("write", 502, 2)])
def test_the_model_is_not_asked_again(
    gateway_before: RunsGateway, served: Served, effect: str, status: int, asked: int
) -> None:
    """Its server fails once after the tool."""
    notes = Notes()
    with notes.files(effect) as files:
        bad = alone(served.take("bad", files))
        with gateway_before(fails_after_the_tool(1), bad) as (address, server):
            before = len(server.asked)
            found = ask(address)

        assert found.status_code == status
        assert len(server.asked) - before == asked
        assert notes.noted == 1
