"""The OpenAPI document is true: generated requests find no answer that it does not describe."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from fakes import OpenAIServer
from gateways import FILES, Followed, Served, alone, gateway

from tetrad.traffic.traffic_store import Traffic

# A conversation ends with the user's turn, which no schema says: without history it is one turn.
TYPED = (
    "kind: prompt\n"
    "variables:\n"
    "  message: {type: string, trust: untrusted, max_chars: 1000}\n"
    "  mood: {type: string, trust: trusted, enum: [glad, sad], required: false, default: glad}\n"
    "  count: {type: integer, trust: trusted, required: false, default: 1}\n"
    "  weight: {type: number, trust: trusted, required: false, default: 0.5}\n"
    "  loud: {type: boolean, trust: trusted, required: false, default: false}\n"
    "  names: {type: array, trust: untrusted, required: false, default: []}\n"
    "  more: {type: object, trust: untrusted, required: false, default: {}}\n"
    "messages:\n"
    "  - {role: system, content: 'You are parrot VERSION.'}\n"
    "  - {role: user, content: 'Say {{ message }} {{ mood }} {{ count }} {{ weight }} {{ loud }}"
    " {{ names | length }} {{ more | length }}'}\n"
    "generation: {temperature: 0, max_tokens: 64, seed: 7, stop: [END]}\n"
    "chat: {input: message}\n"
)


@pytest.fixture
def described(
    upstream: OpenAIServer, served: Served, followed: Followed, tmp_path: Path
) -> Iterator[str]:
    with (
        Traffic.open(tmp_path / "registry.db") as traffic,
        gateway(followed, served.snapshots, tmp_path / "cache", traffic=traffic) as address,
    ):
        followed.move(echo=alone(served.take("one", {**FILES, "prompts/echo.yaml": TYPED})))
        followed.wait_for(1)
        yield address


@pytest.mark.parametrize("examples", [10, pytest.param(100, marks=pytest.mark.campaign)])
def test_generated_requests_get_what_the_document_says(
    described: str, examples: int, tmp_path: Path
) -> None:
    command = [sys.executable, "-m", "schemathesis.cli", "run", f"{described}/openapi.json"]

    done = subprocess.run(
        [*command, "--max-examples", str(examples), "--no-color"],
        cwd=tmp_path, check=False, capture_output=True, text=True, timeout=500,
    )  # fmt: skip

    assert "Tested: " in done.stdout
    assert done.returncode == 0, done.stdout


def test_the_page_shows_what_to_ask_and_loads_nothing(described: str) -> None:
    page = httpx2.get(f"{described}/docs")

    assert page.headers["content-security-policy"].startswith("default-src 'none'")
    assert f"curl {described}/v1/stacks/echo/answer" in page.text
    assert "<code>variables.message</code>" in page.text
    assert "<script" not in page.text


def test_the_document_of_nothing_is_one(address: str) -> None:
    document = httpx2.get(f"{address}/openapi.json").json()

    assert "/readyz" in document["paths"]
    assert not any(path.endswith("/answer") for path in document["paths"])
