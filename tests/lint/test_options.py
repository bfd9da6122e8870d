"""What `tetrad lint` prints, where, and with which exit code, as its options ask for it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from lint.case_files import PROMPT, write_files
from lint.commands import lint

UNUSED = PROMPT.replace(
    "  message:", "  tone: {trust: trusted}\n  mood: {trust: trusted}\n  message:"
)
OPEN = PROMPT.replace("<message>", "Sort this:").replace("</message>", "")


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    write_files(tmp_path, {"prompts/a.yaml": UNUSED, "prompts/b.yaml": OPEN})
    return tmp_path


def test_statistics_count_by_rule_and_mark_what_can_be_fixed(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert lint(root, "--statistics") == 1
    assert capsys.readouterr().out == (
        "2  TPL203  [*] unused-variable\n"
        "1  INJ301  [-] untrusted-undelimited\n"
        "[*] fixable with `tetrad lint --fix`\n"
        "[-] fixable with `tetrad lint --fix --unsafe-fixes`\n"
        "1 error, 2 warnings in 2 files; `tetrad lint --fix` fixes 2\n"
    )


def test_statistics_are_data_too(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lint(root, "--statistics", "--format", "json")

    assert json.loads(capsys.readouterr().out) == [
        {"code": "TPL203", "name": "unused-variable", "count": 2, "fix": "safe"},
        {"code": "INJ301", "name": "untrusted-undelimited", "count": 1, "fix": "unsafe"},
    ]


def test_statistics_of_nothing_found(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert lint(root, "--statistics", "--select", "SEC") == 0
    assert capsys.readouterr().out == "nothing found in 2 files\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ["--statistics", "--format", "sarif"],
        ["--statistics", "--format", "github"],
        ["--add-noqa", "--fix"],
        ["--add-noqa", "--diff"],
    ],
)
def test_options_that_do_nothing_together_are_misuse(root: Path, arguments: list[str]) -> None:
    assert lint(root, *arguments) == 2


def test_findings_by_rule_end_what_no_screen_shows(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lint(root)
    assert "by rule" not in capsys.readouterr().out

    names = "".join(f"  v{n}: {{trust: trusted}}\n" for n in range(20))
    write_files(root, {"prompts/c.yaml": PROMPT.replace("  message:", f"{names}  message:")})
    lint(root)
    assert capsys.readouterr().out.splitlines()[-2:] == [
        "by rule: TPL203 22, INJ301 1",
        "1 error, 22 warnings in 3 files; `tetrad lint --fix` fixes 22",
    ]


@pytest.mark.parametrize("form", ["text", "json", "sarif", "github"])
def test_a_file_holds_what_standard_output_would(
    root: Path, capsys: pytest.CaptureFixture[str], form: str
) -> None:
    lint(root, "--format", form)
    shown = capsys.readouterr().out

    assert lint(root, "--format", form, "--output-file", "out/found.txt") == 1
    assert capsys.readouterr().out == ""
    assert (root / "out/found.txt").read_text() == shown


def test_exit_zero_shows_and_does_not_refuse(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert lint(root, "--exit-zero") == 0
    assert "INJ301" in capsys.readouterr().out
    assert lint(root, "--exit-zero", "--select", "NONE") == 2


SETTINGS = "[lint.per-file-ignores]\n{}\n"


@pytest.mark.parametrize(
    ("glob", "fits"),
    [
        ("prompts/b.yaml", True),
        ("prompts/*", True),
        ("b.yaml", True),
        ("**/b.yaml", True),
        ("**/prompts/*.yaml", True),
        ("prompts/**/b.yaml", True),
        ("!prompts/a.yaml", True),
        ("./prompts/b.yaml", True),
        ("prompts/a.yaml", False),
        ("old/*", False),
        ("!prompts/*", False),
        ("prompts", False),
    ],
)
@pytest.mark.parametrize("code", ["INJ301", "INJ", "untrusted-undelimited"])
def test_rules_are_left_out_by_file(root: Path, glob: str, fits: bool, code: str) -> None:
    write_files(root, {"tetrad.toml": SETTINGS.format(f'"{glob}" = ["{code}"]')})

    assert lint(root) == (0 if fits else 1)
    assert lint(root, "--select", "INJ") == (0 if fits else 1)


def test_settings_of_a_python_project_name_files_too(root: Path) -> None:
    settings = '[tool.tetrad.lint.per-file-ignores]\n"prompts/b.yaml" = ["INJ301"]\n'
    write_files(root, {"pyproject.toml": settings})

    assert lint(root) == 0


def test_no_file_is_left_out_of_a_sealed_rule(root: Path) -> None:
    system = OPEN.replace("role: user", "role: system")
    settings = SETTINGS.format('"prompts/*" = ["INJ"]')
    write_files(root, {"prompts/b.yaml": system, "tetrad.toml": settings})

    assert lint(root) == 1


def test_a_suppression_in_a_file_left_out_is_not_called_unused(root: Path) -> None:
    comment = "content: |  # tetrad: allow untrusted-undelimited -- digits only"
    settings = SETTINGS.format('"prompts/*" = ["INJ"]')
    allowed = OPEN.replace("content: |", comment)
    write_files(
        root, {"prompts/a.yaml": PROMPT, "prompts/b.yaml": allowed, "tetrad.toml": settings}
    )

    assert lint(root, "--output-file", "found") == 0
    assert (root / "found").read_text() == "nothing found in 2 files\n"


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (
            '[lint]\nper-file-ignore = {"a" = ["INJ"]}\n',
            "tetrad.toml:2:1: error[SCH104] schema-violation: $.lint.per-file-ignore: lint.per",
        ),
        ('[lint]\nper-file-ignores = ["INJ"]\n', "per-file-ignores must be a table of globs"),
        ('[lint.per-file-ignores]\n"a/*" = "INJ"\n', "tetrad.toml:2:2: error[SCH104]"),
    ],
)
def test_settings_that_say_nothing_are_findings(
    root: Path, capsys: pytest.CaptureFixture[str], settings: str, said: str
) -> None:
    write_files(root, {"tetrad.toml": settings})

    assert lint(root) == 1
    assert said in " ".join(capsys.readouterr().out.split())


def test_a_rule_that_is_misspelt_for_a_file_is_misuse(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_files(root, {"tetrad.toml": SETTINGS.format('"a/*" = ["INJ999"]')})

    assert lint(root) == 2
    assert "unknown rule 'INJ999'" in capsys.readouterr().err
