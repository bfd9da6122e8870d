"""From live answers back to the golden set: what a gateway keeps is monitored, and becomes cases."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import httpx2
import pytest
import yaml
from fakes import OpenAIServer
from gateways import FILES, Followed, Served, alone, ask, gateway

from tetrad.cli import main
from tetrad.model.serving import Serving
from tetrad.traffic.traffic_store import Traffic

WORDS = ("one", "two words", "three more words", "and four of them", "five is the most of all")
SUITE = {
    "evals/echo/suite.yaml": "kind: suite\nstacks: [stacks/echo]\ngolden: ./golden.yaml\n",
    "evals/echo/golden.yaml": "".join(
        f"- id: case-{n}\n  vars: {{message: '{WORDS[n % 5]} {n}'}}\n"
        f"  assert: [{{type: icontains, value: '{n}'}}, {{type: starts-with, value: 'one: '}}]\n"
        for n in range(12)
    ),
    "infra/environments/local.yaml": "kind: environment\n",
}


@dataclass(frozen=True)
class Live:
    """A gateway that keeps every answer, and the repository of what it serves."""

    address: str
    root: Path
    traffic: Traffic

    def wait_for_answers(self, count: int) -> None:
        until = time.monotonic() + 60
        while len(list(self.traffic.answers(sampled=True))) < count:
            assert time.monotonic() < until
            time.sleep(0.05)

    def tetrad(self, *arguments: str) -> int:
        return main(["--root", str(self.root), *arguments])

    def git(self, *arguments: str) -> str:
        command = ["git", "-C", str(self.root), *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@pytest.fixture
def live(
    upstream: OpenAIServer,
    served: Served,
    followed: Followed,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Live]:
    registry = tmp_path / "registry.db"
    monkeypatch.setenv("TETRAD_REGISTRY", str(registry))
    one = served.take("one", {**FILES, **SUITE})
    with (
        Traffic.open(registry) as traffic,
        gateway(followed, served.snapshots, tmp_path / "cache", traffic=traffic) as address,
    ):
        followed.move(echo=replace(alone(one), serving=Serving(sample=1.0)))
        followed.wait_for(1)
        found = Live(address, served.root / "one", traffic)
        found.git("init", "--quiet", "--initial-branch", "main")
        found.git("add", "--all")
        found.git("commit", "--quiet", "--message", "Begin")
        yield found


@pytest.mark.parametrize(
    ("messages", "code", "told"),
    [
        ([f"{WORDS[n % 5]} {n % 12}" for n in range(60)], 0, ": fine; 60 answers"),
        (["the same long question, again and again " * 9] * 60, 1, "DRIFT  question length"),
        (["one"] * 3, 3, "3 answers of this identity kept; 50 are needed"),
    ],
)
def test_the_sample_is_compared_with_the_golden_set(
    live: Live, capsys: pytest.CaptureFixture[str], messages: list[str], code: int, told: str
) -> None:
    for message in messages:
        ask(live.address, message)
    live.wait_for_answers(len(messages))

    assert live.tetrad("monitor", "local") == code

    assert told in capsys.readouterr().out


def test_feedback_on_an_answer_becomes_a_case(live: Live) -> None:
    answer = ask(live.address, "mail anna@example.com").json()
    said = {"trace": answer["trace"], "rating": "bad", "correction": "one: I do not mail"}
    given = httpx2.post(f"{live.address}/v1/feedback", json=said, timeout=30).json()

    assert live.tetrad("feedback", "to-cases", "evals/echo", given["id"]) == 0

    case = yaml.safe_load(live.git("show", "feedback/echo:evals/echo/golden.yaml"))[-1]
    assert case["vars"] == {"message": "mail [mail address]"}
    assert case["assert"] == [{"type": "icontains", "value": "one: I do not mail"}]
    assert case["metadata"]["trace"] == answer["trace"]
    assert case["metadata"]["identity"] == answer["identity"]


def test_the_turns_of_a_conversation_become_the_turns_of_a_case(live: Live) -> None:
    turns = [
        {"role": "user", "content": "I am anna@example.com"},
        {"role": "assistant", "content": "Hello!"},
        {"role": "user", "content": "Who am I?"},
    ]
    asked = {"model": "echo", "messages": turns}
    answer = httpx2.post(f"{live.address}/v1/chat/completions", json=asked, timeout=60)
    said = {"trace": answer.headers["x-tetrad-trace"], "rating": "good"}
    httpx2.post(f"{live.address}/v1/feedback", json=said, timeout=30)

    assert live.tetrad("feedback", "to-cases", "evals/echo") == 0

    case = yaml.safe_load(live.git("show", "feedback/echo:evals/echo/golden.yaml"))[-1]
    assert case["vars"] == {"message": "Who am I?"}
    assert case["turns"] == [
        {"role": "user", "content": "I am [mail address]"},
        {"role": "assistant", "content": "Hello!"},
    ]
