"""A prompt engineer's day on the real embedded model: worse, better, no change, a document, a case."""

from __future__ import annotations

import json
from typing import Any

import pytest
from trees import Tree

from tetrad.errors import ExitCode

pytestmark = pytest.mark.model

PROMPT = "prompts/feedback.yaml"
# A newline after the colon, where the examples have their answer on its line: this small model then
# calls every review positive.
GOOD_ENDING = "    content: |-\n"
BAD_ENDING = "    content: |  # ends with a newline\n"
NEW_CASE = (
    "- id: dogs\n  vars: {question: What does it cost to bring a dog?}\n"
    "  assert: [{type: retrieved, value: [dogs.md]}]\n"
)


@pytest.fixture(autouse=True)
def kept_answers(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """One registry for the module: what one test asked, the next does not ask again."""
    folder = tmp_path_factory.getbasetemp() / "story"
    monkeypatch.setenv("TETRAD_REGISTRY", str(folder / "registry.db"))


def gated(tree: Tree, capsys: pytest.CaptureFixture[str], *options: str) -> tuple[int, Any]:
    capsys.readouterr()
    code = tree.tetrad("gate", *options, "--format", "json")
    return code, json.loads(capsys.readouterr().out)


def cases_of(report: Any, stack: str) -> dict[str, Any]:
    (found,) = [s for s in report["stacks"] if s["stack"].endswith(stack)]
    return {case["id"]: case for case in found["suites"][0]["cases"]}


def test_a_prompt_edited_for_the_worse_fails_and_names_the_cases(
    tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    tree.edit(PROMPT, GOOD_ENDING, BAD_ENDING)

    code, report = gated(tree, capsys, "--base", "main")

    assert code == ExitCode.REFUSED
    broken = {id_ for id_, case in cases_of(report, "feedback").items() if case["flip"] == "broken"}
    assert broken >= {"torn-box", "never-came", "smells"}
    assert {cases_of(report, "feedback")[id_]["base_output"] for id_ in broken} == {"negative"}
    page = (tree.root / ".tetrad" / "report.html").read_text()
    assert all(id_ in page for id_ in broken)


def test_a_prompt_edited_for_the_better_on_a_branch_passes(
    tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    tree.edit(PROMPT, GOOD_ENDING, BAD_ENDING)
    tree.tetrad("lock")
    tree.commit("a bad prompt on main")
    tree.git("checkout", "--quiet", "-b", "better")
    tree.edit(PROMPT, BAD_ENDING, GOOD_ENDING)
    tree.tetrad("lock")
    tree.commit("fix it")

    code, report = gated(tree, capsys, "--base", "main")

    assert code == ExitCode.PASSED
    assert not report["dirty"]
    fixed = {id_ for id_, case in cases_of(report, "feedback").items() if case["flip"] == "fixed"}
    assert fixed >= {"torn-box", "never-came", "smells"}


def test_a_description_runs_nothing(tree: Tree, capsys: pytest.CaptureFixture[str]) -> None:
    tree.edit("stacks/house.yaml", "description: Answers guests", "description: Helps guests")

    code, report = gated(tree, capsys, "--base", "main")

    assert code == ExitCode.PASSED
    assert report["calls"] == {"made": 0, "cached": 0, "skipped": 13}
    assert [stack["changed"] for stack in report["stacks"]] == [[], []]


def test_a_changed_document_names_the_stack_and_the_cases_that_retrieve_it(
    tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    tree.edit("stacks/corpora/house/sauna.md", "half past nine", "ten")
    capsys.readouterr()

    code = tree.tetrad("plan", "--base", "main", "--format", "json")

    assert code == ExitCode.PASSED
    plan = json.loads(capsys.readouterr().out)
    moved = {s["stack"]: s for s in plan["stacks"] if s["changed"]}
    assert list(moved) == ["stacks/house"]
    assert moved["stacks/house"]["changed"] == ["corpus"]
    assert "stacks/corpora/house/sauna.md" in moved["stacks/house"]["files"]
    assert [
        (case["id"], case["why"]) for case in moved["stacks/house"]["suites"][0]["cases_to_run"]
    ] == [("sauna", "passages")]


def test_a_new_case_runs_on_both_identities(tree: Tree, capsys: pytest.CaptureFixture[str]) -> None:
    tree.append("evals/house/golden.yaml", NEW_CASE)

    code, report = gated(tree, capsys, "house", "--base", "main")

    assert code == ExitCode.PASSED
    assert [stack["changed"] for stack in report["stacks"]] == [["suite"]]
    case = cases_of(report, "house")["dogs"]
    assert case["metrics"] == case["base_metrics"] == {"sources": 1.0}


def test_a_new_case_runs_on_a_changed_stack_and_on_its_base(
    tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    tree.append("evals/house/golden.yaml", NEW_CASE)
    tree.edit("stacks/house.yaml", "top_k: 1", "top_k: 2")

    code, report = gated(tree, capsys, "house", "--base", "main")

    assert code == ExitCode.PASSED
    case = cases_of(report, "house")["dogs"]
    assert case["metrics"] == case["base_metrics"] == {"sources": 1.0}


def test_a_second_gate_asks_the_engine_nothing(
    tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    gated(tree, capsys, "house")

    _, report = gated(tree, capsys, "house")

    assert report["calls"]["made"] == 0
