"""`tetrad lint -`: what an editor holds, linted as the file that it stands for."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest
from checkouts import mark_checkout
from lint.case_files import PARTS, PROMPT, write_files

from tetrad.cli import main

OPEN = PROMPT.replace("<message>", "Sort this:").replace("</message>", "")
UNUSED = PROMPT.replace("  message:", "  tone: {trust: trusted}\n  message:")


class Input:
    """Standard input that holds bytes."""

    def __init__(self, data: bytes) -> None:
        self.buffer = io.BytesIO(data)


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    mark_checkout(tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def lint(monkeypatch: pytest.MonkeyPatch, text: str, *arguments: str) -> int:
    monkeypatch.setattr(sys, "stdin", Input(text.encode()))
    return main(["lint", "-", *arguments])


def test_a_text_without_a_name_is_judged_by_itself(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert lint(monkeypatch, PROMPT) == 0
    assert lint(monkeypatch, OPEN) == 1
    assert "prompts/stdin.yaml:8:7: error[INJ301]" in capsys.readouterr().out


def test_a_text_stands_for_its_file_and_reads_the_others(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    files = {**PARTS["prompt"], **PARTS["model"]}
    write_files(root, files)
    stack = PARTS["stack"]["stacks/sort.yaml"]
    codes = ["--format", "json", "--stdin-filename", "stacks/sort.yaml"]

    lint(monkeypatch, stack, *codes)
    assert [found["code"] for found in json.loads(capsys.readouterr().out)] == ["COR952"]
    lint(monkeypatch, stack.replace("prompts/sort", "prompts/srt"), *codes)
    (found,) = json.loads(capsys.readouterr().out)
    assert (found["code"], found["line"], found["file"]) == ("SCH107", 2, "stacks/sort.yaml")
    assert not (root / "stacks/sort.yaml").exists()


def test_a_prompt_is_judged_with_the_stack_that_uses_it(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_files(root, {**PARTS["prompt"], **PARTS["model"], **PARTS["stack"]})
    write_files(root, {"prompts/sort.yaml": OPEN})

    assert lint(monkeypatch, PROMPT, "--stdin-filename", "prompts/sort.yaml") == 0
    assert lint(monkeypatch, OPEN, "--stdin-filename", str(root / "prompts/sort.yaml")) == 1


@pytest.mark.parametrize("name", ["a.prompty", "new/a.prompty", "a.prompt"])
def test_other_tools_files_are_known_by_their_name(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    assert lint(monkeypatch, "Sort {{message}} well.\n", "--stdin-filename", name) == 0
    assert f"{name}:1:6: warning[INJ30" in capsys.readouterr().out


def test_any_text_can_be_prompty(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", Input(b"user:\nSort {{message}} well.\n"))
    assert main(["lint", "--prompty", "-", "--stdin-filename", "a.md"]) == 0
    assert "a.md:2:6: warning[INJ301]" in capsys.readouterr().out


@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_fixed_text_is_written_to_standard_output(
    root: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfdbinary: pytest.CaptureFixture[bytes],
    mark: str,
    line_end: str,
) -> None:
    text = mark + UNUSED.replace("\n", line_end)
    assert lint(monkeypatch, text, "--fix", "--stdin-filename", "prompts/a.yaml") == 0
    shown = capfdbinary.readouterr()

    assert shown.out == (mark + PROMPT.replace("\n", line_end)).encode()
    assert shown.err == b"nothing found in 1 file\n"
    assert not (root / "prompts").exists()


def test_a_text_without_fixes_is_written_as_it_is(
    root: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    for text in (PROMPT, "kind: [\n", ""):
        lint(monkeypatch, text, "--fix")
        assert capfdbinary.readouterr().out == text.encode()


def test_a_fix_of_another_file_is_not_made(
    root: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    write_files(root, {**PARTS["prompt"], **PARTS["model"], **PARTS["stack"]})
    stack = PARTS["stack"]["stacks/sort.yaml"]

    assert lint(monkeypatch, stack, "--fix", "--stdin-filename", "stacks/sort.yaml") == 1
    assert capfdbinary.readouterr().out == stack.encode()
    assert not (root / "stacks/sort.lock").exists()


def test_the_difference_is_shown(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert lint(monkeypatch, UNUSED, "--diff", "--stdin-filename", "prompts/a.yaml") == 0
    assert "-  tone: {trust: trusted}\n" in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments",
    [
        ["-", "prompts"],
        ["-", "--prompty", "a.md"],
        ["-", "--add-noqa"],
        ["-", "--stdin-filename", "/elsewhere/a.yaml"],
        ["--stdin-filename", "a.yaml"],
    ],
)
def test_what_cannot_be_meant_is_misuse(
    root: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    write_files(root, {"prompts/a.yaml": PROMPT, "a.md": ""})
    monkeypatch.setattr(sys, "stdin", Input(b""))

    assert main(["lint", *arguments]) == 2
