"""A suite that names a promptfoo file runs: its answers are scripted, its cases are promptfoo's."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from pytest_sessions import pytest_of
from trees import Tree

from tetrad.errors import ExitCode

DESK = Path(__file__).parent.parent / "loading" / "valid" / "promptfoo-desk"


@pytest.mark.parametrize(
    ("suite", "answers"), [("config", 30), ("table", 5), ("lines", 4), ("listed", 2)]
)
def test_a_promptfoo_file_runs_as_a_golden_set(
    suite: str, answers: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tree = Tree(Path(shutil.copytree(DESK, tmp_path / "desk")))

    code = tree.tetrad("eval", suite, "--format", "json")

    (run,) = json.loads(capsys.readouterr().out)
    assert code == ExitCode.PASSED
    assert {case["id"]: case["passed"] for case in run["cases"] if not case["passed"]} == {}
    assert sum(len(case["outputs"]) for case in run["cases"]) == answers


def test_pytest_collects_the_cases_of_each_format(tmp_path: Path) -> None:
    tree = Tree(Path(shutil.copytree(DESK, tmp_path / "desk")))

    session = pytest_of(tree, "evals/", "--collect-only", "-q")

    ids = session.stdout.splitlines()
    assert "evals/config/promptfooconfig.yaml::where-the-sauna-is-2" in ids
    assert "evals/listed/tests.json::breakfast" in ids
    assert "evals/lines/cases.jsonl::sauna" in ids
    assert "evals/table/cases.csv::breakfast-hours" in ids
