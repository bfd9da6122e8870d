"""`tetrad pin` writes into a file without losing what people wrote there."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path

import pytest

from tetrad.canonical import digest_bytes
from tetrad.cli import pin
from tetrad.errors import ExitCode, UsageError

WEIGHTS = (2).to_bytes(8, "little") + b"{}"
UNPINNED = """\
# yaml-language-server: $schema=…
kind: model     # ours
source: file://weights   # not moved yet
files:
  # the weights
  model.safetensors: "sha256:"   # filled in by tetrad pin
engine: {torch: {dtype: float32}}
"""


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TETRAD_CACHE", str(tmp_path / "cache"))
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / "model.safetensors").write_bytes(WEIGHTS)
    (tmp_path / "weights" / "config.json").write_bytes(b"{}")
    path = tmp_path / "stacks" / "models" / "small.yaml"
    path.parent.mkdir(parents=True)
    path.write_text(UNPINNED)
    return path


def run(file: Path) -> ExitCode:
    parser = ArgumentParser()
    parser.set_defaults(root=file.parents[2])
    pin.add_arguments(parser)
    return pin.run(parser.parse_args([str(file)]))


def test_empty_digests_are_filled_in_and_everything_else_stays(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = run(file)

    assert code == ExitCode.PASSED
    assert file.read_text() == UNPINNED.replace('"sha256:"', f'"{digest_bytes(WEIGHTS)}"')
    assert capsys.readouterr().out.splitlines() == [
        "stacks/models/small.yaml: pinned",
        f"  model.safetensors: {digest_bytes(WEIGHTS)}",
    ]


def test_a_second_pin_changes_nothing(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(file)
    before = file.read_bytes()
    capsys.readouterr()
    run(file)

    assert file.read_bytes() == before
    assert capsys.readouterr().out == "stacks/models/small.yaml: up to date with its source\n"


def test_without_names_the_files_that_a_model_needs_are_chosen(file: Path) -> None:
    file.write_text("kind: model\nsource: file://weights\nengine: {torch: {}}   # here\n")
    run(file)

    assert file.read_text() == (
        "kind: model\nsource: file://weights\nengine: {torch: {}}   # here\nfiles:\n"
        f"  model.safetensors: {digest_bytes(WEIGHTS)}\n"
        f"  config.json: {digest_bytes(b'{}')}\n"
    )


NOT_MODELS = [
    ("kind: prompt\n", "only models are pinned"),
    ("- a list\n", "only models are pinned"),
    ("kind: model\n", "`source` is not the source of a model"),
    ("kind: model\nsource: 7\n", "`source` is not the source of a model"),
    ("kind: model\nsource: ftp://x\n", "small.yaml:2:9: `source` is not the source of a model"),
    ("kind: model\nsource: file://weights\nfiles: [a]\n", "`files` is not a mapping"),
    ("kind: model\nsource: vendor://openai/gpt\n", "no files to pin"),
    ("kind: model\nsource: file://a.yaml\nengine: {scripted: {answers: ./a.yaml}}\n", "a script"),
]


@pytest.mark.parametrize(("text", "reason"), NOT_MODELS, ids=[reason for _, reason in NOT_MODELS])
def test_what_cannot_be_pinned_is_explained_and_left_alone(
    file: Path, text: str, reason: str
) -> None:
    file.write_text(text)
    with pytest.raises(UsageError) as caught:
        run(file)

    assert reason in str(caught.value)
    assert file.read_text() == text


def test_a_file_that_is_not_there_is_misuse(file: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        run(file.with_name("other.yaml"))
