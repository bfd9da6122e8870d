"""A repository whose stack asks an endpoint and serves an environment that wants evidence."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from fakes import Asked, OpenAIServer, Reply
from trees import Tree, initial_tree

from tetrad.errors import ExitCode

ENVIRONMENT = "infra/environments/production.yaml"
SIGNERS = {
    "ci": "evaluator",
    "ada": "approver",
    "deploy": "deployer",
}
_NEGATIVE = ("torn", "small", "never", "smells", "leaks")


def right_answer(asked: Asked) -> Reply:
    """What the golden set of `tetrad init` wants."""
    review = json.dumps(asked.body["messages"][-1])
    word = "negative" if any(word in review for word in _NEGATIVE) else "positive"
    return Reply(text=word)


@contextmanager
def answering(
    monkeypatch: pytest.MonkeyPatch, answer: Callable[[Asked], Reply] = right_answer
) -> Iterator[OpenAIServer]:
    """The endpoint of the repository's model."""
    with OpenAIServer(answer=answer) as server:
        monkeypatch.setenv("LLM_URL", server.url)
        monkeypatch.setenv("LLM_KEY", "sk-ours")
        yield server


def evidenced_tree(folder: Path) -> Tree:
    """`folder/repository`, committed; the private keys lie in `folder`."""
    tree = initial_tree(folder / "repository", "--engine", "endpoint", "--endpoint-model", "small")
    for name, role in SIGNERS.items():
        private = str(folder / f"{name}.pem")
        assert tree.tetrad("keys", "new", name, "--role", role, "--private", private) == 0
    tree.append("stacks/feedback.yaml", "serving: {environments: [production]}\n")
    tree.write(ENVIRONMENT, environment_text())
    tree.tetrad("lock")
    tree.commit("Serve production")
    tree.edit("prompts/feedback.yaml", "is it positive or negative?", "positive or negative?")
    tree.tetrad("lock")
    tree.commit("Say it in fewer words")
    return tree


def gated_tree(folder: Path) -> Tree:
    """The same, with the report of a gate that passed: a changed prompt against the commit before."""
    tree = evidenced_tree(folder)
    with pytest.MonkeyPatch.context() as patch, answering(patch):
        assert tree.tetrad("gate", "--base", "HEAD~1") == ExitCode.PASSED
    return tree


def copied(folder: Path, into: Path) -> Tree:
    """A copy of a repository with its keys."""
    shutil.copytree(folder, into, dirs_exist_ok=True)
    return Tree(into / "repository")


def attest(tree: Tree, *options: str) -> int:
    """Sign the last report as CI does."""
    return tree.tetrad("attest", "--key", key_of(tree, "ci"), *options)


def environment_text(**changes: Any) -> str:
    """The environment's file as JSON, which is YAML; changes are by key."""
    document = {
        "kind": "environment",
        "requires": {
            "evidence": {"signers": ["ci"], "max_age_days": 30},
            "approvals": {"count": 1, "from": ["platform"]},
        },
        "signers": {
            name: {
                "ed25519": f"infra/keys/{name}.pub",
                "role": role,
                "teams": ["platform"],
                "authors": [f"{name}@example.com"],
            }
            for name, role in SIGNERS.items()
        },
        "models": {"stacks/models/endpoint": {"unpinned": True}},
    }
    return json.dumps({**document, **changes}, indent=2) + "\n"


def key_of(tree: Tree, name: str) -> str:
    """The option's value that signs with a key."""
    return f"file:{tree.root.parent / f'{name}.pem'}"
