"""A repository with one suite of many cases, created for the benchmarks of evals."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tetrad.evals import SelectedCases, Session
    from tetrad.model import Suite

ANSWER = '{"queue": "billing"}'
PATTERN = r'^\{"queue": "[a-z]+"\}$'

_PROMPT = """\
kind: prompt
description: Sort a customer's message into one of six queues.
variables:
  message: {type: string}
messages:
  - role: system
    content: |
      You sort customer messages into queues: billing, delivery, returns, account, product, other.
      Answer with JSON: {"queue": "<queue>"}.
  - role: user
    content: |
      <message>
      {{ message }}
      </message>
generation: {temperature: 0, max_tokens: 16}
"""
_STACK = """\
kind: stack
prompt: prompts/triage
model: stacks/models/answers
"""
_SUITE = """\
kind: suite
stacks: [stacks/triage]
golden: ./golden.jsonl
"""
_MODEL = """\
kind: model
source: endpoint://answers
engine: {engine}
"""
_ENGINES = {
    "scripted": "{scripted: {answers: ./answers.jsonl}}",
    "http": "{openai: {model: fixed, base_url_env: BENCHMARK_URL, api_key_env: null, concurrency: 32}}",
}


def lay_down(root: Path, cases: int, *, engine: str = "scripted") -> Path:
    """Write the repository; every case has three deterministic assertions."""
    files = {
        "prompts/triage.yaml": _PROMPT,
        "stacks/models/answers.yaml": _MODEL.replace("{engine}", _ENGINES[engine]),
        "stacks/models/answers.jsonl": json.dumps({"contains": "", "output": ANSWER}) + "\n",
        "stacks/triage.yaml": _STACK,
        "evals/triage/suite.yaml": _SUITE,
        "evals/triage/golden.jsonl": "".join(json.dumps(case) + "\n" for case in golden(cases)),
    }
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")
    return root


@contextmanager
def opened(root: Path, suite: Suite) -> Iterator[tuple[Session, SelectedCases]]:
    """The suite on its one stack, ready to be executed; all that is kept lies in the repository."""
    # Here, since the peers' Python reads this file too and has no tetrad.
    from tetrad.answers import Answers, KeptRuns
    from tetrad.artifacts.store import Store
    from tetrad.evals import Session
    from tetrad.trees import WorkingTree

    with (
        Answers.open(root / "answers.db") as answers,
        KeptRuns.open(root / "answers.db") as runs,
    ):
        bench = Session(
            answers=answers,
            runs=runs,
            registry=root / "registry.db",
            store=Store(root / "store"),
            cache=root / "cache",
        )
        yield bench, bench.select(suite, suite.stacks[0], files=WorkingTree(root))


def golden(cases: int) -> Iterator[dict[str, Any]]:
    for number in range(cases):
        yield {
            "id": f"case-{number}",
            "vars": {"message": message(number)},
            "assert": [
                {"type": "is-json"},
                {"type": "icontains", "value": "BILLING"},
                {"type": "regex", "value": PATTERN},
            ],
        }


def message(number: int) -> str:
    return (
        f"Hello, this is about order A-{number:05d}. I was charged twice for it on my last"
        " statement, and nobody has answered me. Could you please look into it?"
    )
