"""What `tetrad init` creates works as it is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from checkouts import mark_checkout
from trees import Tree

from tetrad import __version__
from tetrad.cli import main
from tetrad.errors import ExitCode
from tetrad.loading.repositories import load_repository


@pytest.mark.parametrize("engine", ["embedded", "endpoint", "scripted"])
def test_every_engine_gives_files_that_lint_clean_with_fresh_locks(
    engine: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["init", str(tmp_path), "--engine", engine]) == ExitCode.PASSED

    tree = Tree(tmp_path)
    assert tree.tetrad("lock", "--check") == ExitCode.PASSED
    assert tree.tetrad("lint") == ExitCode.PASSED
    assert "error" not in capsys.readouterr().out


def test_what_is_there_stays_as_it_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "waivers.yaml").write_text("kind: waivers\nwaivers: []  # ours\n")

    main(["init", str(tmp_path), "--engine", "scripted"])

    assert (tmp_path / "waivers.yaml").read_text().endswith("# ours\n")
    assert "waivers.yaml exists, left unchanged" in capsys.readouterr().out


def test_a_second_time_adds_no_model_that_the_stack_does_not_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["init", str(tmp_path), "--engine", "scripted"])
    before = sorted(tmp_path.rglob("*"))
    capsys.readouterr()

    assert main(["init", str(tmp_path), "--engine", "embedded"]) == ExitCode.PASSED

    assert sorted(tmp_path.rglob("*")) == before
    said = capsys.readouterr().out
    assert (
        "stacks/models/smollm2-135m.yaml is left out: stacks/feedback.yaml names another model\n"
        in said
    )
    assert "next: the model is the one that stacks/feedback.yaml names\n" in said


def test_what_is_written_is_listed_with_the_lock_and_nothing_else_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["init", str(tmp_path), "--engine", "scripted"])

    said, noise = capsys.readouterr()
    files = {p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*") if p.is_file()}
    assert {line.strip() for line in said.partition("\nnext:")[0].splitlines()[1:]} == files
    assert "stacks/feedback.lock" in files
    assert noise == ""


def test_the_endpoints_model_can_be_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["init", str(tmp_path), "--engine", "endpoint", "--endpoint-model", "qwen3:8b"])

    model = load_repository(tmp_path).models["stacks/models/endpoint"]
    assert getattr(model.engine, "model", None) == "qwen3:8b"
    assert "write the name" not in capsys.readouterr().out


def test_an_endpoints_model_that_was_not_named_is_to_be(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["init", str(tmp_path), "--engine", "endpoint"])

    assert (
        'the endpoint is asked for a model named "default": write the name that it knows into\n'
        "stacks/models/endpoint.yaml, and run `tetrad lock`\n"
    ) in capsys.readouterr().out
    main(["init", str(tmp_path), "--engine", "endpoint"])
    assert "write the name" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("engine", "style"),
    [("embedded", "completion"), ("endpoint", "chat"), ("scripted", "completion")],
)
def test_an_endpoint_is_asked_in_chats_which_all_of_them_know(
    engine: str, style: str, tmp_path: Path
) -> None:
    main(["init", str(tmp_path), "--engine", engine])

    assert load_repository(tmp_path).prompts["prompts/feedback"].style == style


def test_a_model_name_without_an_endpoint_is_misuse(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = main(["init", str(tmp_path), "--engine", "scripted", "--endpoint-model", "x"])

    assert code == ExitCode.MISUSE
    assert capsys.readouterr().err == "--endpoint-model goes with --engine endpoint\n"


def test_the_scripted_system_passes_its_gate(tmp_path: Path) -> None:
    main(["init", str(tmp_path), "--engine", "scripted"])

    assert Tree(tmp_path).tetrad("gate") == ExitCode.PASSED


def test_what_is_laid_down_keeps_environments_and_kept_answers_out_of_git(tmp_path: Path) -> None:
    main(["init", str(tmp_path), "--engine", "scripted"])

    assert {".tetrad/", ".venv/"} <= set((tmp_path / ".gitignore").read_text().splitlines())


def test_in_a_folder_of_a_repository_what_git_hosts_and_hooks_read_is_written_for_its_top(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mark_checkout(tmp_path)
    folder = tmp_path / "services" / "my desk"

    main(["init", str(folder), "--engine", "scripted"])

    assert "move its .github/ and .pre-commit-config.yaml\nto the top" in capsys.readouterr().out
    hooks = (folder / ".pre-commit-config.yaml").read_text()
    assert "entry: tetrad -C 'services/my desk' lint\n" in hooks
    workflow = (folder / ".github/workflows/gate.yml").read_text()
    assert "  tetrad -C 'services/my desk' gate --base" in workflow
    assert "path: services/my desk/.tetrad/report.*\n" in workflow


def test_at_the_top_of_a_repository_nothing_is_to_be_moved(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mark_checkout(tmp_path)

    main(["init", str(tmp_path), "--engine", "scripted"])

    assert "larger Git repository" not in capsys.readouterr().out
    assert "  tetrad gate --base" in (tmp_path / ".github/workflows/gate.yml").read_text()


def test_the_workflow_installs_the_version_that_laid_it_down(tmp_path: Path) -> None:
    main(["init", str(tmp_path), "--engine", "embedded"])

    workflow = (tmp_path / ".github/workflows/gate.yml").read_text()
    assert f"pip install 'tetrad[torch]=={__version__}'\n" in workflow


def test_the_workflow_pins_the_actions_that_our_own_workflows_do(tmp_path: Path) -> None:
    main(["init", str(tmp_path), "--engine", "scripted"])

    def uses(folder: Path) -> set[str]:
        texts = [path.read_text() for path in (folder / ".github/workflows").glob("*.yml")]
        return set(re.findall(r"uses: (.+)", "\n".join(texts)))

    assert uses(tmp_path)
    assert uses(tmp_path) <= uses(Path(__file__).parents[2])


EVENTS: dict[str, tuple[dict[str, object], str]] = {
    "a pull request": ({"event.pull_request.base.sha": "base"}, "base"),
    "a merge queue": ({"event.merge_group.base_sha": "main"}, "main"),
    "a push": ({"event.created": False, "event.forced": False, "event.before": "old"}, "old"),
    "a first push": ({"event.created": True, "event.before": "0" * 40}, "new"),
    "a forced push": ({"event.forced": True, "event.before": "gone"}, "new"),
}


@pytest.mark.parametrize("where", ["ours", "init's"])
@pytest.mark.parametrize("name", EVENTS)
def test_the_workflow_compares_with_what_was_there_before(
    name: str, where: str, tmp_path: Path
) -> None:
    main(["init", str(tmp_path), "--engine", "scripted"])
    folder = tmp_path if where == "init's" else Path(__file__).parents[2]
    event, expected = EVENTS[name]
    context = {"sha": "new", **event}
    text = (folder / ".github/workflows/gate.yml").read_text()

    bases = re.findall(r"BASE: \$\{\{ (.+) \}\}", text)
    on_push = [base for base in bases if "event.before" in base]
    python = [base.replace("||", "or").replace("&&", "and") for base in on_push]
    names = [re.sub(r"github\.([\w.]+)", r"context.get('\1')", each) for each in python]
    found = [eval(each, {"context": context}) for each in names]

    gate, attest = found
    assert gate == expected
    assert attest == expected or name == "a pull request"  # which is not attested
