"""What computed the kept answers: part of their key, told in the report, and never two in one run."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from fakes import OpenAIServer, Reply
from trees import Tree, initial_tree

GOLDEN = "evals/feedback/golden.yaml"
NEW_CASE = """\
- id: slow-but-nice
  vars: {review: "Slow delivery, but I love the lamp."}
  assert: [{type: equals, value: positive}]
"""
OLD = "server version 1.0; tetrad endpoint-engine 2"
NEW = "server version 2.0; tetrad endpoint-engine 2"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[OpenAIServer]:
    with OpenAIServer(Reply(text="positive"), versions=[Reply(text="1.0")]) as server:
        monkeypatch.setenv("LLM_URL", server.url)
        monkeypatch.setenv("LLM_KEY", "")
        yield server


@pytest.fixture
def tree(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Tree:
    tree = initial_tree(tmp_path / "team", "--engine", "endpoint", "--endpoint-model", "own")
    capsys.readouterr()
    return tree


def gated(tree: Tree, capsys: pytest.CaptureFixture[str], *options: str) -> tuple[int, str]:
    """How many calls a gate made, and the build that it names."""
    tree.tetrad("gate", *options, "--format", "json")
    report = json.loads(capsys.readouterr().out)
    return report["calls"]["made"], report["stacks"][0]["build"]


def test_answers_do_not_outlive_the_server_that_gave_them(
    tree: Tree, server: OpenAIServer, capsys: pytest.CaptureFixture[str]
) -> None:
    first = gated(tree, capsys)
    server.versions = [Reply(text="2.0")]
    asked = server.asked_for_version
    unchanged = gated(tree, capsys)
    not_asked = server.asked_for_version == asked
    tree.append(GOLDEN, NEW_CASE)
    extended = gated(tree, capsys, "--base", "main")
    again = gated(tree, capsys, "--base", "main")

    assert first == (10, OLD)
    assert unchanged == (0, OLD)
    assert not_asked
    assert extended == (11, NEW)
    assert again == (0, NEW)


def test_a_case_that_a_server_of_the_same_version_has_not_answered_is_asked_alone(
    tree: Tree, server: OpenAIServer, capsys: pytest.CaptureFixture[str]
) -> None:
    gated(tree, capsys)
    tree.append(GOLDEN, NEW_CASE)

    assert gated(tree, capsys) == (1, OLD)
    assert server.asked_for_version == 2


def test_eval_names_the_build(
    tree: Tree, server: OpenAIServer, capsys: pytest.CaptureFixture[str]
) -> None:
    tree.tetrad("eval", "--format", "json")

    (run,) = json.loads(capsys.readouterr().out)
    assert (run["engine"], run["build"]) == (f"openai {server.url}", OLD)


def test_a_plan_counts_on_the_build_that_answered_last(
    tree: Tree,
    server: OpenAIServer,
    capsys: pytest.CaptureFixture[str],
) -> None:
    gated(tree, capsys)
    tree.append(GOLDEN, NEW_CASE)

    tree.tetrad("plan", "--base", "main")

    assert "1 call" in capsys.readouterr().out
