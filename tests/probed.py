"""A vendor's model, and a repository that has its fingerprint taken by probes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from fakes import Asked, OpenAIServer, Reply
from trees import Tree, initial_tree

MODEL = "stacks/models/endpoint.yaml"
PROBES = "stacks/models/probes.jsonl"


class Vendor:
    """Answers every question with the same word, and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.word = "2"

    def answer(self, asked: Asked) -> Reply:
        self.asked.append(asked)
        return Reply(text=f" {self.word}\n")


@contextmanager
def answering_vendor(monkeypatch: pytest.MonkeyPatch) -> Iterator[Vendor]:
    found = Vendor()
    with OpenAIServer(answer=found.answer) as server:
        monkeypatch.setenv("LLM_URL", server.url)
        monkeypatch.setenv("LLM_KEY", "")
        yield found


def probed_tree(root: Path) -> Tree:
    """What `tetrad init` writes for an endpoint, whose model has two probes and no digest yet."""
    tree = initial_tree(root, "--engine", "endpoint", "--endpoint-model", "small")
    tree.write(
        PROBES,
        '{"prompt": "1 + 1 ="}\n{"prompt": "The capital of France?", "max_tokens": 4}\n',
    )
    tree.append(MODEL, "fingerprint: {probes: ./probes.jsonl}  # asked every night\n")
    return tree
