"""`tetrad pull` in a repository of its own."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path

import pytest

from tetrad.canonical import digest_bytes
from tetrad.cli import pull
from tetrad.errors import ExitCode, UsageError

GGUF = b"GGUF weights"
OTHER = b"GGUF others"

PROMPT = """\
kind: prompt
variables: {message: {type: string}}
messages:
  - {role: user, content: "{{ message }}"}
"""


def model(name: str, data: bytes, engine: str = "{torch: {}}") -> str:
    return (
        f"kind: model\nsource: file://weights/{name}.gguf\n"
        f'files: {{{name}.gguf: "{digest_bytes(data)}"}}\nengine: {engine}\n'
    )


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A stack that runs `used` in this process, and models that no stack uses."""
    monkeypatch.setenv("TETRAD_CACHE", str(tmp_path / "cache"))
    folder = tmp_path / "repository"
    texts = {
        "prompts/sort.yaml": PROMPT,
        "stacks/sort.yaml": "kind: stack\nprompt: prompts/sort\nmodel: stacks/models/used\n",
        "stacks/models/used.yaml": model("used", GGUF),
        "stacks/models/unused.yaml": model("unused", OTHER),
        "stacks/models/asked.yaml": "kind: model\nsource: endpoint://laptop\n"
        "engine: {openai: {model: m}}\n",
    }
    for name, text in texts.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    (folder / "weights").mkdir()
    (folder / "weights" / "used.gguf").write_bytes(GGUF)
    (folder / "weights" / "unused.gguf").write_bytes(OTHER)
    return folder


def run(root: Path, *arguments: str) -> ExitCode:
    parser = ArgumentParser()
    parser.set_defaults(root=root)
    pull.add_arguments(parser)
    return pull.run(parser.parse_args(arguments))


def test_the_models_that_stacks_run_are_fetched_and_then_found(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    codes = [run(root), run(root)]

    assert codes == [ExitCode.PASSED, ExitCode.PASSED]
    assert capsys.readouterr().out.splitlines() == [
        "stacks/models/used: fetched 1 of 1 files, verified (0.0 MB)",
        "stacks/models/used: all files present, verified (0.0 MB)",
    ]


def test_named_models_and_stacks_are_fetched(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(root, "unused", "asked", "stacks/sort")

    assert [line.partition(":")[0] for line in capsys.readouterr().out.splitlines()] == [
        "stacks/models/unused",
        "stacks/models/asked",
        "stacks/models/used",
    ]


def test_a_name_that_is_nothing_is_misuse(root: Path) -> None:
    with pytest.raises(UsageError, match="nothing named 'usde'"):
        run(root, "usde")


def test_offline_says_what_is_missing_of_every_model_and_fails(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(root, "unused")
    code = run(root, "--offline", "used", "unused")
    said = capsys.readouterr()

    assert code == ExitCode.MISUSE
    assert "missing used.gguf" in said.err
    assert "help: tetrad pull used" in said.err
    assert "stacks/models/unused: all files present" in said.out


def test_one_model_that_fails_does_not_keep_the_others_from_being_fetched(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (root / "weights" / "used.gguf").write_bytes(b"GGUF swapped")
    code = run(root, "used", "unused")
    said = capsys.readouterr()

    assert code == ExitCode.MISUSE
    assert "is not the file that is pinned" in said.err
    assert "stacks/models/unused: fetched" in said.out
