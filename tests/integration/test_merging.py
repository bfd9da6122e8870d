"""How evidence follows a change into main: a merge queue, a squash merge, an old workflow run again, a
base that moved. Local Git repositories, the commands that CI runs, a real endpoint.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from evidenced import answering, attest, copied, environment_text, evidenced_tree
from trees import Tree

from tetrad.errors import ExitCode

PROMPT = "prompts/feedback.yaml"
CASE = """\
- id: broken-handle
  vars: {review: "The handle is torn off."}
  assert: [{type: equals, value: negative}]
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("merging")
    tree = evidenced_tree(folder)
    tree.write(
        "infra/environments/production.yaml",
        environment_text(requires={"evidence": {"signers": ["ci"], "max_age_days": 30}}),
    )
    tree.commit("Ask production for evidence")
    return folder


@pytest.fixture
def main(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Tree]:
    """The repository on main, with evidence for what is there, and its endpoint."""
    tree = copied(made, tmp_path)
    with answering(monkeypatch):
        prove(tree)
        yield tree


def change_prompt(tree: Tree, branch: str, old: str, new: str) -> None:
    """A commit on a branch off main."""
    tree.git("checkout", "--quiet", "-b", branch, "main")
    tree.edit(PROMPT, old, new)
    tree.tetrad("lock")
    tree.commit(f"Write {new}")


def gate(tree: Tree, *options: str) -> int:
    return tree.tetrad("gate", *options)


def prove(tree: Tree) -> None:
    """What the job on main does: evaluate what lacks evidence, and sign it."""
    assert gate(tree, "--unproven", "--env", "production") == ExitCode.PASSED
    assert attest(tree) == ExitCode.PASSED


def may_serve(tree: Tree) -> bool:
    return tree.tetrad("verify", "feedback", "--env", "production") == ExitCode.PASSED


def test_a_merge_queue_signs_the_commit_that_will_be_main(main: Tree) -> None:
    change_prompt(main, "shorter", "Sort each customer review", "Sort each review")
    main.git("checkout", "--quiet", "-b", "queue", "main")
    main.git("merge", "--quiet", "--no-ff", "--no-edit", "shorter")
    assert gate(main, "--base", "main") == ExitCode.PASSED
    assert attest(main, "--base", "main") == ExitCode.PASSED
    main.git("checkout", "--quiet", "main")
    main.git("merge", "--quiet", "--ff-only", "queue")
    assert may_serve(main)


def test_a_squash_merge_of_the_same_files_keeps_its_evidence(main: Tree) -> None:
    change_prompt(main, "shorter", "Sort each customer review", "Sort each review")
    assert gate(main, "--base", "main") == ExitCode.PASSED
    assert attest(main, "--base", "main") == ExitCode.PASSED
    main.git("checkout", "--quiet", "main")
    main.git("merge", "--quiet", "--squash", "shorter")
    main.commit("Shorter (#1)")
    assert may_serve(main)


def test_two_changes_that_pass_alone_are_not_evidence_of_both(main: Tree) -> None:
    change_prompt(main, "one", "Sort each customer review", "Sort each review")
    assert gate(main, "--base", "main") == ExitCode.PASSED
    assert attest(main) == ExitCode.PASSED
    change_prompt(main, "two", "and works like a charm", "and works")
    assert gate(main, "--base", "main") == ExitCode.PASSED
    assert attest(main) == ExitCode.PASSED
    main.git("checkout", "--quiet", "main")
    main.git("merge", "--quiet", "one")
    merge_with_a_new_lock(main, "two")
    assert not may_serve(main)
    prove(main)
    assert may_serve(main)


def merge_with_a_new_lock(tree: Tree, branch: str) -> None:
    """Both changes edit the lock, whose conflict says that their composition was never evaluated."""
    with pytest.raises(Exception, match="non-zero exit status"):
        tree.git("merge", "--quiet", "--no-edit", branch)
    tree.git("checkout", "--quiet", "--ours", "stacks/feedback.lock")
    tree.tetrad("lock")
    tree.commit(f"Merge {branch}")


def test_a_golden_set_that_moved_before_the_merge_asks_for_new_evidence(main: Tree) -> None:
    change_prompt(main, "shorter", "Sort each customer review", "Sort each review")
    assert gate(main, "--base", "main") == ExitCode.PASSED
    assert attest(main) == ExitCode.PASSED
    main.git("checkout", "--quiet", "main")
    main.append("evals/feedback/golden.yaml", CASE)
    main.commit("Add a case")
    main.git("merge", "--quiet", "--no-edit", "shorter")
    assert not may_serve(main)
    main.tetrad("lock")
    main.commit("Lock")
    prove(main)
    assert may_serve(main)


def test_an_old_report_is_signed_for_its_own_commit_only(
    main: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    assert gate(main) == ExitCode.PASSED
    report = (main.root / ".tetrad/report.json").read_text()
    change_prompt(main, "shorter", "Sort each customer review", "Sort each review")
    (main.root / ".tetrad/report.json").write_text(report)
    assert attest(main) == ExitCode.REFUSED
    assert "the report is about commit" in capsys.readouterr().err


def test_a_workflow_that_is_run_again_makes_nothing_younger(
    main: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    main.git("branch", "--quiet", "-D", "tetrad/evidence")
    (main.root / ".tetrad/registry.db").unlink()
    assert gate(main) == ExitCode.PASSED
    path = main.root / ".tetrad/report.json"
    report = json.loads(path.read_text())
    report["created"] = (datetime.now(UTC) - timedelta(days=31)).isoformat(timespec="seconds")
    path.write_text(json.dumps(report))
    assert attest(main) == ExitCode.PASSED
    assert not may_serve(main)
    assert "over 30 days ago" in capsys.readouterr().out


def test_evidence_for_a_change_that_was_taken_back_counts_again(main: Tree) -> None:
    change_prompt(main, "shorter", "Sort each customer review", "Sort each review")
    assert gate(main, "--base", "main") == ExitCode.PASSED
    assert attest(main) == ExitCode.PASSED
    main.git("checkout", "--quiet", "main")
    main.git("merge", "--quiet", "--no-ff", "--no-edit", "shorter")
    assert may_serve(main)
    main.git("revert", "--no-edit", "-m", "1", "HEAD")
    assert may_serve(main)  # the identity of before, with the evidence of before


@pytest.mark.parametrize("what", ["a first push", "a forced push"])
def test_a_commit_with_nothing_before_it_is_judged_and_signed_by_itself(
    main: Tree, what: str
) -> None:
    main.edit(PROMPT, "Sort each customer review", "Sort each review")
    main.tetrad("lock")
    if what == "a first push":
        main.git("checkout", "--quiet", "--orphan", "again")
        main.git("branch", "--quiet", "-D", "tetrad/evidence")
        main.commit("Begin")
    else:
        main.git("commit", "--quiet", "--all", "--amend", "--no-edit")
    (main.root / ".tetrad/registry.db").unlink()

    assert not may_serve(main)
    unproven = ("--unproven", "--env", "production", "--base", "HEAD")  # as the workflow has it
    assert gate(main, *unproven) == ExitCode.PASSED
    assert attest(main, "--base", "HEAD") == ExitCode.PASSED
    assert may_serve(main)
