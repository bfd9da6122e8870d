"""kill -9 in the middle of a gate: what was committed is not asked again, and the report is the same."""

from __future__ import annotations

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from fakes import Asked, OpenAIServer, Reply

CASES = 120
DELAY_S = 0.02
IN_FLIGHT = 8  # so that a whole run takes CASES / IN_FLIGHT * DELAY_S = 0.3 s of asking

FILES = {
    "prompts/sort.yaml": """\
kind: prompt
variables: {message: {type: string}}
messages: [{role: user, content: "{{ message }}"}]
""",
    "stacks/models/served.yaml": f"""\
kind: model
source: endpoint://served
engine:
  openai: {{model: served, base_url_env: CRASH_URL, api_key_env: null, concurrency: {IN_FLIGHT}}}
""",
    "stacks/sort.yaml": "kind: stack\nprompt: prompts/sort\nmodel: stacks/models/served\n",
    "evals/sort/suite.yaml": """\
kind: suite
stacks: [stacks/sort]
golden: ./golden.jsonl
gate: [{metric: answer, min: 0.4}]
""",
    "evals/sort/golden.jsonl": "".join(
        json.dumps(
            {
                "id": f"case-{number}",
                "vars": {"message": f"message {number}"},
                "assert": [{"type": "icontains", "value": "even"}],
                "repeats": 1 + number % 2,
            }
        )
        + "\n"
        for number in range(CASES)
    ),
}


def answer(asked: Asked) -> Reply:
    number = int(asked.body["messages"][-1]["content"].removeprefix("message "))
    return Reply(text="even" if number % 2 == 0 else "odd", delay_s=DELAY_S)


def lay_down(root: Path) -> None:
    for path, text in FILES.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)


def gate(root: Path, server: OpenAIServer, registry: Path) -> subprocess.Popen[str]:
    environment = {
        **os.environ,
        "CRASH_URL": server.url,
        "TETRAD_REGISTRY": str(registry),
        "TETRAD_CACHE": str(root / "cache"),
    }
    command = [sys.executable, "-m", "tetrad.cli", "gate", "--format", "json"]
    return subprocess.Popen(
        command,
        cwd=root,
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def finished(process: subprocess.Popen[str]) -> dict[str, Any]:
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    report: dict[str, Any] = json.loads(out)
    return report


CLOCK = {"created", "calls", "cached", "latency_s", "first_token_s"}


def without_the_clock(value: Any) -> Any:
    """What must be the same: all of the report but when, how fast and by how many calls."""
    if isinstance(value, dict):
        return {key: without_the_clock(item) for key, item in value.items() if key not in CLOCK}
    return [without_the_clock(item) for item in value] if isinstance(value, list) else value


def committed(registry: Path) -> int:
    answers = registry.with_name(f"{registry.stem}-answers.db")
    connection = sqlite3.connect(answers)
    try:
        (count,) = connection.execute("SELECT count(*) FROM answers").fetchone()
    except sqlite3.OperationalError:  # killed before its tables were made
        return 0
    finally:
        connection.close()
    return int(count)


def calls_of(number: int) -> int:
    return 1 + number % 2


@pytest.mark.campaign
def test_a_killed_gate_goes_on_where_it_was(tmp_path: Path) -> None:
    moments = random.Random(7)  # the same moments at each campaign
    total = sum(calls_of(number) for number in range(CASES))
    lay_down(tmp_path)
    with OpenAIServer(answer=answer) as server:
        expected = without_the_clock(finished(gate(tmp_path, server, tmp_path / "whole.db")))
        assert len(server.asked) == total
        interrupted = 0
        for attempt in range(30):
            registry = tmp_path / f"registry-{attempt}.db"
            before = len(server.asked)
            process = gate(tmp_path, server, registry)
            while len(server.asked) == before and process.poll() is None:
                time.sleep(0.001)
            time.sleep(moments.uniform(0, 1.2 * total / IN_FLIGHT * DELAY_S))
            process.send_signal(signal.SIGKILL)
            process.communicate()
            time.sleep(2 * DELAY_S)  # what was in flight has reached the server
            kept, seen = committed(registry), len(server.asked)
            interrupted += kept < total

            report = finished(gate(tmp_path, server, registry))

            again = len(server.asked) - seen
            assert again == total - kept, f"moment {attempt}: {kept} kept, {again} asked again"
            assert report["calls"]["made"] == again
            assert without_the_clock(report) == expected
    assert interrupted >= 20  # the moments are spread over the run, not after it
