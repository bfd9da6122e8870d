"""Under pytest-xdist one worker runs the selection, and the others read its outcomes."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from pytest_sessions import pytest_of
from trees import Tree, scripted_tree

GOLDEN = "evals/feedback/golden.yaml"
ANSWERS = "stacks/models/scripted.answers.yaml"
# Every grading leaves a line beside the repository, whatever process it was asked by.
NOTED = """
import os
from pathlib import Path

def get_assert(output, context):
    with Path("BESIDE", "graded.txt").open("a") as file:
        file.write(context["vars"]["review"] + "\\n")
    return output in {"positive", "negative"}
"""
# The process that asks for the grading dies of the first one.
DEADLY = """
import os, signal
from pathlib import Path

def get_assert(output, context):
    died = Path("BESIDE", "died")
    try:
        died.touch(exist_ok=False)
    except FileExistsError:
        return True
    os.kill(os.getppid(), signal.SIGKILL)
    return True
"""


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    return scripted_tree(tmp_path / "repository")


def grade_by(tree: Tree, code: str) -> None:
    """Every case of the golden set is graded by this code too."""
    code = code.replace("BESIDE", str(tree.root.parent))
    (tree.root / "evals/feedback/check.py").write_text(code)
    path = tree.root / GOLDEN
    graded = 'assert: [{type: python, value: "file://./check.py"}, {'
    path.write_text(path.read_text().replace("assert: [{", graded))


def graded(tree: Tree) -> list[str]:
    return (tree.root.parent / "graded.txt").read_text().splitlines()


def break_two_cases(tree: Tree) -> None:
    for review in ("So soft", "Not bad"):
        right = f"{{contains: {review}, output: positive}}"
        tree.edit(ANSWERS, right, right.replace("positive", "wrong"))


def test_two_workers_decide_as_one(tree: Tree) -> None:
    break_two_cases(tree)

    session = pytest_of(tree, "evals/", "-q", "-n", "2", "--tetrad-base", "main")

    assert session.returncode == 1
    assert "3 failed, 8 passed" in session.stdout, session.stdout
    assert "base's answer: positive" in session.stdout


@pytest.mark.parametrize("dist", ["load", "loadfile", "worksteal"])
def test_every_case_is_run_once_however_many_workers_there_are(tree: Tree, dist: str) -> None:
    grade_by(tree, NOTED)

    session = pytest_of(tree, "evals/", "-q", "-n", "2", "--dist", dist)

    assert session.returncode == 0, session.stdout
    assert "11 passed" in session.stdout
    assert len(graded(tree)) == len(set(graded(tree))) == 10


def test_a_part_is_run_once_too(tree: Tree) -> None:
    grade_by(tree, NOTED)

    session = pytest_of(tree, "evals/", "-q", "-n", "2", "-k", "soft or sound or gate")

    assert "2 passed, 1 skipped" in session.stdout, session.stdout
    assert len(graded(tree)) == 2


def test_a_later_session_never_reads_what_an_earlier_one_kept(tree: Tree) -> None:
    options = ("evals/", "-q", "-n", "2", "--testrunuid", "the-same", "--tetrad-strict")
    pytest_of(tree, *options)
    break_two_cases(tree)

    session = pytest_of(tree, *options)

    assert session.returncode == 1
    assert "2 failed, 9 passed" in session.stdout, session.stdout


def test_where_the_worker_that_executes_dies_another_takes_over(tree: Tree) -> None:
    grade_by(tree, DEADLY)

    session = pytest_of(tree, "evals/", "-q", "-n", "2")

    assert session.returncode == 1
    assert "1 failed, 10 passed" in session.stdout, session.stdout
    assert "crashed while running" in session.stdout


def test_an_inconclusive_gate_exits_3(tree: Tree) -> None:
    tree.edit(ANSWERS, '- {contains: "", output: negative}\n', "")

    session = pytest_of(tree, "evals/", "-q", "-n", "2")

    assert session.returncode == 3, session.stdout


def test_files_that_do_not_load_exit_2(tree: Tree) -> None:
    tree.edit("stacks/feedback.yaml", "prompt: prompts/feedback", "prompt: prompts/fedback")

    session = pytest_of(tree, "evals/", "-q", "-n", "2")

    assert session.returncode == 2, session.stdout
    assert session.stdout.count("error[SCH107]: $.prompt") == 1


def test_last_failed_and_exitfirst_work_with_workers(tree: Tree) -> None:
    break_two_cases(tree)
    pytest_of(tree, "evals/", "-q", "--tetrad-strict", "-n", "2")

    session = pytest_of(tree, "evals/", "-q", "--tetrad-strict", "-n", "2", "--lf")

    assert session.returncode == 1
    assert "2 failed in" in session.stdout, session.stdout


def test_what_a_session_kept_goes_after_a_day(tree: Tree) -> None:
    folder = tree.root / ".tetrad/pytest"
    folder.mkdir(parents=True)
    (folder / "old.json").write_text("{}")
    (folder / "of-another-session-today.json").write_text("{}")
    os.utime(folder / "old.json", (0, 0))

    pytest_of(tree, "evals/", "-q", "-n", "2")

    assert not (folder / "old.json").exists()
    assert (folder / "of-another-session-today.json").exists()


def test_a_session_leaves_nothing_behind_for_git(tree: Tree) -> None:
    session = pytest_of(tree, "evals/", "-q", "-n", "2", "-p", "no:cacheprovider")

    assert session.returncode == 0
    assert tree.git("status", "--porcelain") == ""
