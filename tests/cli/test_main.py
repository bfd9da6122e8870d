"""The table of commands, the error boundary, and where the repository is looked for."""

from __future__ import annotations

from pathlib import Path

import pytest
from trees import Tree

from tetrad.cli import COMMANDS, build_parser, main
from tetrad.errors import ExitCode


def test_help_names_every_command_and_the_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["--help"])

    assert stopped.value.code == 0
    out = capsys.readouterr().out
    assert all(f"\n    {name} " in out for name in COMMANDS)
    assert "3 inconclusive" in out


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main([name, "--help"])

    assert stopped.value.code == 0
    assert f"usage: tetrad {name}" in capsys.readouterr().out


def test_an_unknown_command_is_misuse(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["gat"])

    assert stopped.value.code == ExitCode.MISUSE
    assert "invalid choice: 'gat'" in capsys.readouterr().err


def test_outside_of_a_repository_a_command_says_how_to_get_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)

    code = main(["gate"])

    assert code == ExitCode.MISUSE
    assert "help: run `tetrad init`" in capsys.readouterr().err


def test_a_command_finds_the_repository_from_a_folder_inside(
    tree: Tree, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tree.root / "evals" / "feedback")

    assert main(["gate"]) == ExitCode.PASSED
    assert "PASSED" in capsys.readouterr().out


def test_a_file_that_does_not_load_is_told_with_its_place(
    tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    tree.edit("stacks/feedback.yaml", "prompt: prompts/feedback", "prompt: prompts/fedback")

    code = tree.tetrad("gate")

    assert code == ExitCode.MISUSE
    assert capsys.readouterr().err.startswith("stacks/feedback.yaml:5:9: error[SCH107]")


def test_a_bug_becomes_a_report_and_its_own_exit_code(
    tree: Tree, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("tetrad.cli.gate.run", lambda _args: 1 / 0)

    code = tree.tetrad("gate")

    assert code == ExitCode.BUG
    said = capsys.readouterr().err
    assert said.startswith("this is a bug in tetrad: ZeroDivisionError")
    report = Path(said.split("the traceback is in ")[1].split("\n")[0])
    assert "ZeroDivisionError" in report.read_text()
    report.unlink()


def test_only_the_command_that_is_asked_for_loads_its_arguments() -> None:
    parser = build_parser(["lock"])

    assert parser.parse_args(["lock", "--check"]).check
