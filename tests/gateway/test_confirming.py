"""A tool that destroys something is called when the user has confirmed the very call."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx2
import pytest
from fakes import Asked, OpenAIServer, Reply
from gateways import CANCELLING, Followed, Served, alone, gateway

CALL = {"tool": "cancel_order", "arguments": {"order_id": "A-1"}}


def model(asked: Asked) -> Reply:
    """Cancels the order, and repeats what came of it."""
    last = asked.body["messages"][-1]
    if last["role"] == "tool":
        return Reply(text=str(last["content"]))
    return Reply(tool_calls=[{"name": CALL["tool"], "arguments": CALL["arguments"]}])


@pytest.fixture
def upstream(monkeypatch: pytest.MonkeyPatch) -> Any:
    with OpenAIServer(answer=model) as server:
        monkeypatch.setenv("UPSTREAM", server.url)
        yield server


def test_a_call_waits_for_its_confirmation(
    upstream: OpenAIServer, served: Served, followed: Followed, tmp_path: Path
) -> None:
    followed.move(echo=alone(served.take("one", CANCELLING)))

    def ask(**body: Any) -> httpx2.Response:
        asked = {"variables": {"message": "cancel A-1"}, **body}
        return httpx2.post(f"{address}/v1/stacks/echo/answer", json=asked, timeout=60)

    with gateway(followed, served.snapshots, tmp_path / "cache") as address:
        followed.wait_for(1)
        waits = ask().json()
        done = ask(confirmed=waits["unconfirmed"]).json()
        other = ask(confirmed=[{**CALL, "arguments": {"order_id": "A-2"}}]).json()
        refused = ask(confirmed=[{"tool": "cancel_order"}])

    assert waits["unconfirmed"] == [CALL]
    assert [one["rule"] for one in waits["guardrails"]] == ["unconfirmed"]
    assert "A-1 is cancelled" in done["answer"]
    assert done["unconfirmed"] == []
    assert other["unconfirmed"] == [CALL]
    assert (refused.status_code, refused.json()["error"]["param"]) == (400, "confirmed")
