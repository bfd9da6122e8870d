"""A suite that names a promptfoo file runs: its answers are scripted, its cases are promptfoo's."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from trees import Tree

from tetrad.errors import ExitCode

DESK = Path(__file__).parent.parent / "spec" / "valid" / "promptfoo-desk"


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
