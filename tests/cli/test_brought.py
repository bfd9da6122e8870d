"""What a change brings along to be judged by, or to be written through."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from trees import Tree

from tetrad.errors import ExitCode
from tetrad.registry import open_ledger

REPORT = ".tetrad/report.json"


def judged(tree: Tree, capsys: pytest.CaptureFixture[str]) -> str:
    """What the gate says, which must refuse to judge."""
    capsys.readouterr()
    assert tree.tetrad("gate", "--base", "main") == ExitCode.MISUSE
    return capsys.readouterr().err


# -- kept answers, vectors and reports


@pytest.mark.parametrize(
    "file", ["answers.db", "answers.db-asking", "registry.db", "registry.db-wal", "pytest/a.json"]
)
def test_what_is_committed_under_the_folder_of_kept_answers_is_refused(
    tree: Tree, capsys: pytest.CaptureFixture[str], file: str
) -> None:
    (tree.root / ".tetrad" / file).parent.mkdir(parents=True)
    (tree.root / ".tetrad" / file).touch()
    tree.git("add", "--force", f".tetrad/{file}")

    assert f".tetrad/{file} is committed: answers that a change brings prove nothing" in judged(
        tree, capsys
    )


@pytest.mark.parametrize("file", ["ours.db", "ours-answers.db"])
def test_a_registry_that_is_committed_elsewhere_is_refused(
    tree: Tree, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, file: str
) -> None:
    monkeypatch.setenv("TETRAD_REGISTRY", str(tree.root / "kept" / "ours.db"))
    assert tree.tetrad("gate") == ExitCode.PASSED
    tree.git("add", "--force", f"kept/{file}")

    assert f"kept/{file} is committed" in judged(tree, capsys)


@pytest.mark.parametrize("place", [".cache", ".cache/tetrad", "Cache"])
def test_what_is_committed_under_the_cache_is_refused(
    tree: Tree, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    monkeypatch.setenv("TETRAD_CACHE", str(tree.root / place))
    vectors = tree.root / place / "embeddings" / "embeddings.v2.db"
    vectors.parent.mkdir(parents=True)
    vectors.touch()
    tree.git("add", "--force", ".")

    assert f"{place}/embeddings/embeddings.v2.db is committed" in judged(tree, capsys)


@pytest.mark.parametrize("command", [["pull"], ["try", "feedback", "review=x"], ["eval"]])
def test_every_command_that_uses_the_cache_refuses_what_is_committed_there(
    tree: Tree, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch,
    command: list[str],
) -> None:  # fmt: skip
    monkeypatch.setenv("TETRAD_CACHE", str(tree.root / "cache"))
    (tree.root / "cache").mkdir()
    (tree.root / "cache" / "store").symlink_to(tree.root.parent)
    tree.git("add", "--force", "cache/store")
    model = "stacks/models/embedder.yaml"
    (tree.root / model).write_text(EMBEDDER)

    assert tree.tetrad(*command, *([model] if command == ["pull"] else [])) == ExitCode.MISUSE
    assert "cache/store is committed" in capsys.readouterr().err


EMBEDDER = f"""\
kind: model
source: https://example.org/model.safetensors
files: {{model.safetensors: "sha256:{"0" * 64}"}}
engine: {{torch: {{}}}}
context_window: 256
"""


def test_a_cache_in_the_checkout_of_which_nothing_is_committed_is_used(
    tree: Tree, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TETRAD_CACHE", str(tree.root / ".cache" / "tetrad"))

    assert tree.tetrad("gate", "--base", "main") == ExitCode.PASSED
    assert tree.tetrad("gate", "--base", "main") == ExitCode.PASSED


@pytest.mark.parametrize(
    ("variable", "place"), [("TETRAD_REGISTRY", ".tetrad"), ("TETRAD_CACHE", ".cache/tetrad")]
)
def test_a_submodule_in_the_place_of_what_is_kept_is_refused(
    tree: Tree, tmp_path: Path, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch, variable: str, place: str,
) -> None:  # fmt: skip
    other = tmp_path / "other"
    subprocess.run(["git", "init", "--quiet", str(other)], check=True)
    open_ledger(other / "registry.db").close()
    subprocess.run(["git", "-C", str(other), "add", "--force", "registry.db"], check=True)
    subprocess.run(["git", "-C", str(other), "commit", "--quiet", "--message", "x"], check=True)
    allowed = ("-c", "protocol.file.allow=always")
    tree.git(*allowed, "submodule", "--quiet", "add", "--force", str(other), place)
    if variable == "TETRAD_CACHE":
        monkeypatch.setenv(variable, str(tree.root / place))

    assert f"{place} is a repository of its own within {tree.root}" in judged(tree, capsys)


@pytest.mark.parametrize("link", [".tetrad", ".tetrad/answers.db", ".tetrad/registry.db", ".cache"])
def test_a_link_in_the_place_of_what_is_kept_is_refused(
    tree: Tree, tmp_path: Path, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch, link: str,
) -> None:  # fmt: skip
    monkeypatch.setenv("TETRAD_CACHE", str(tree.root / ".cache" / "tetrad"))
    (tree.root / link).parent.mkdir(exist_ok=True)
    (tree.root / link).symlink_to(tmp_path / "elsewhere")

    said = judged(tree, capsys)

    assert f"{tree.root / link} is a symbolic link in a checkout" in said
    assert not (tmp_path / "elsewhere").exists()


def test_a_gate_that_cannot_run_leaves_no_report(tree: Tree) -> None:
    assert tree.tetrad("gate") == ExitCode.PASSED
    tree.edit("stacks/feedback.yaml", "prompt: prompts/feedback", "prompt: prompts/nothing")

    assert tree.tetrad("gate") == ExitCode.MISUSE

    assert not (tree.root / REPORT).exists()
    assert not (tree.root / ".tetrad" / "report.html").exists()
    assert tree.tetrad("report") == ExitCode.MISUSE


@pytest.mark.parametrize("named", [[], [REPORT]])
def test_a_report_that_is_committed_is_not_rendered(
    tree: Tree, capsys: pytest.CaptureFixture[str], named: list[str]
) -> None:
    tree.tetrad("gate")
    tree.git("add", "--force", REPORT)
    capsys.readouterr()

    assert tree.tetrad("report", *(str(tree.root / file) for file in named)) == ExitCode.MISUSE

    shown = capsys.readouterr()
    assert (shown.out, ".tetrad/report.json is committed" in shown.err) == ("", True)


def test_a_report_of_another_commit_is_rendered_only_by_its_name(
    tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    tree.tetrad("gate")
    tree.append("prompts/feedback.yaml", "# another\n")
    tree.commit()
    capsys.readouterr()

    assert tree.tetrad("report") == ExitCode.MISUSE
    shown = capsys.readouterr()
    assert (shown.out, "is the report of commit" in shown.err) == ("", True)
    assert tree.tetrad("report", str(tree.root / REPORT), "--format", "json") == ExitCode.PASSED
    assert json.loads(capsys.readouterr().out)["decision"] == "PASSED"


def test_a_report_behind_a_link_is_not_rendered(tree: Tree, tmp_path: Path) -> None:
    tree.tetrad("gate")
    (tree.root / ".tetrad").rename(tmp_path / "kept")
    (tree.root / ".tetrad").symlink_to(tmp_path / "kept")

    assert tree.tetrad("report") == ExitCode.MISUSE


# -- writing


def _stale(tree: Tree) -> None:
    tree.edit("prompts/feedback.yaml", "is it positive or negative?", "positive, or negative?")


@pytest.mark.parametrize("inside", [False, True])
@pytest.mark.parametrize(
    ("link", "command"),
    [
        ("stacks/feedback.lock", ["lock"]),
        ("stacks/feedback.lock", ["lint", "--fix"]),
        ("out/report.md", ["report", "--output", "out/report.md"]),
        ("out", ["report", "--output", "out/report.md"]),
        (".tetrad/report.json", ["gate"]),
        (".tetrad/report.html", ["gate"]),
        (".tetrad", ["gate"]),
        (".tetrad", ["eval"]),
        (".tetrad/.gitignore", ["init", "."]),
        (".pre-commit-config.yaml", ["init", "."]),
        (".github", ["init", "."]),
    ],
)
def test_nothing_is_written_through_a_link(
    tree: Tree, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, link: str, command: list[str],
    inside: bool,
) -> None:  # fmt: skip
    monkeypatch.chdir(tree.root)
    if command[0] == "report":
        tree.tetrad("gate")
    _stale(tree)
    target = (tree.root if inside else tmp_path) / "target"
    is_folder = link in {"out", ".tetrad", ".github"}
    target.mkdir() if is_folder else target.write_text("as it was")
    place = tree.root / link
    if place.is_dir():
        place.rename(tmp_path / "removed")
    place.unlink(missing_ok=True)
    place.parent.mkdir(exist_ok=True)
    place.symlink_to(target)

    code = tree.tetrad(*command)

    assert code != ExitCode.BUG
    assert list(target.iterdir()) == [] if is_folder else target.read_text() == "as it was"
    assert place.is_symlink() or command == ["gate"]


def test_a_dead_link_is_not_filled(tree: Tree, tmp_path: Path) -> None:
    (tree.root / "stacks" / "feedback.lock").unlink()
    (tree.root / "stacks" / "feedback.lock").symlink_to(tmp_path / "new")

    assert tree.tetrad("lock") == ExitCode.MISUSE
    assert not (tmp_path / "new").exists()


def test_locks_behind_a_linked_folder_are_not_removed(tree: Tree, tmp_path: Path) -> None:
    other = tmp_path / "other"
    (tree.root / "stacks").rename(other)
    (other / "gone.lock").write_bytes((other / "feedback.lock").read_bytes())
    (tree.root / "stacks").symlink_to(other)

    tree.tetrad("lock")

    assert (other / "gone.lock").exists()


def test_a_link_that_the_user_made_outside_of_the_checkout_is_followed(
    tree: Tree, tmp_path: Path
) -> None:
    tree.tetrad("gate")
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")

    assert tree.tetrad("report", "--output", str(tmp_path / "link" / "new" / "a.txt")) == 0
    assert (tmp_path / "real" / "new" / "a.txt").exists()


# -- a change that fixes its base


def test_a_base_with_links_that_are_refused_now_can_be_mended(
    tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    (tree.root / "shared").mkdir()
    (tree.root / "evals" / "linked").symlink_to("../shared")
    (tree.root / "settings").write_text("[tool.other]\n")
    (tree.root / "pyproject.toml").symlink_to("settings")
    tree.commit()
    assert tree.tetrad("gate", "--base", "main") == ExitCode.MISUSE
    (tree.root / "evals" / "linked").unlink()
    (tree.root / "pyproject.toml").unlink()

    assert tree.tetrad("gate", "--base", "main") == ExitCode.PASSED


def test_a_model_behind_a_link_is_not_quoted(
    tree: Tree, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "secret").write_text("machine: [hush\n")
    (tree.root / "stacks" / "models" / "m.yaml").symlink_to(tmp_path / "secret")

    assert tree.tetrad("pin", str(tree.root / "stacks" / "models" / "m.yaml")) == ExitCode.MISUSE
    shown = capsys.readouterr()
    assert "hush" not in shown.out + shown.err
