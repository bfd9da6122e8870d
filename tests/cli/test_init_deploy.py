"""`tetrad init --deploy` lays down what deploys to Kubernetes, but for two values."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from clusters import image
from trees import Tree, initial_tree

from tetrad import __version__
from tetrad.cli import main
from tetrad.errors import ExitCode

STAGING = "infra/environments/staging.yaml"
GATEWAY = f"gateway-{__version__.replace('.', '-')}"
ROOT = Path(__file__).parents[2]


def set_two_values(tree: Tree) -> None:
    tree.edit(STAGING, "SET-ME", "staging")
    tree.edit(STAGING, f"ghcr.io/tetrad-dev/gateway@sha256:{'0' * 64}", image("gateway"))


def test_the_program_is_laid_down_without_our_own_environments_and_images(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["init", str(tmp_path), "--engine", "scripted", "--deploy"])

    infra = tmp_path / "infra"
    for part in ("Pulumi.yaml", "apply.py", "components/gateway.py", "observability/rules.yaml"):
        assert (infra / part).read_bytes() == (ROOT / "infra" / part).read_bytes()
    assert not (infra / "images").exists()
    environments = {path.name for path in (infra / "environments").iterdir()}
    assert environments == {"production.yaml", "staging.yaml"}
    count = sum(path.is_file() for path in infra.rglob("*")) - len(environments)
    assert f"  infra/ ({count} files of the infrastructure program)\n" in capsys.readouterr().out


def test_without_the_option_there_is_no_infra(tmp_path: Path) -> None:
    main(["init", str(tmp_path), "--engine", "scripted"])

    assert not (tmp_path / "infra").exists()


def test_files_that_are_there_stay_and_those_that_differ_are_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["init", str(tmp_path), "--engine", "scripted", "--deploy"])
    (tmp_path / "infra/apply.py").write_text("# ours\n")
    (tmp_path / "infra/observability/rules.yaml").unlink()
    set_two_values(Tree(tmp_path))
    assert "to deploy: set kubernetes.context" in capsys.readouterr().out

    main(["init", str(tmp_path), "--engine", "scripted", "--deploy"])

    assert (tmp_path / "infra/apply.py").read_text() == "# ours\n"
    said = capsys.readouterr().out
    assert "  infra/apply.py differs from this release's, left unchanged\n" in said
    assert "  infra/ (1 file of the infrastructure program)\n" in said
    assert f"  {STAGING} exists, left unchanged\n" in said
    assert "to deploy: set" not in said


@pytest.mark.parametrize("engine", ["embedded", "endpoint", "scripted"])
def test_every_engine_lints_clean_with_its_environments(
    engine: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["init", str(tmp_path), "--engine", engine, "--deploy"])

    tree = Tree(tmp_path)
    assert tree.tetrad("lint") == ExitCode.PASSED
    assert tree.tetrad("lock", "--check") == ExitCode.PASSED
    assert "error" not in capsys.readouterr().out


@pytest.mark.parametrize(
    "command",
    [["deploy", "staging", "--preview"], ["render", "staging", "-o", "x"], ["cost", "staging"]],
    ids=lambda command: command[0],
)
def test_both_values_are_named_until_they_are_set(
    command: list[str], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    tree = initial_tree(tmp_path / "repository", "--engine", "scripted", "--deploy")

    assert tree.tetrad(*command) == ExitCode.MISUSE
    assert capfd.readouterr().err == (
        f"{STAGING}: kubernetes.context: set it to a context of your kubeconfig\n"
        f"{STAGING}: kubernetes.gateways.{__version__}.image: set its digest to that of the release\n"
    )


def test_with_both_values_manifests_are_rendered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    tree = initial_tree(tmp_path / "repository", "--engine", "scripted", "--deploy")
    set_two_values(tree)

    assert tree.tetrad("lint") == ExitCode.PASSED
    assert tree.tetrad("render", "staging", "-o", str(tmp_path / "staging")) == ExitCode.PASSED
    names = {path.name.partition("-")[2] for path in (tmp_path / "staging").iterdir()}
    assert {"namespace-llm-staging.yaml", f"deployment-{GATEWAY}.yaml"} <= names


def test_production_asks_for_an_approval(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tree = initial_tree(tmp_path / "repository", "--engine", "embedded", "--deploy")

    assert tree.tetrad("verify", "feedback", "--env", "production") == ExitCode.REFUSED
    assert "0 of 1 approvals" in capsys.readouterr().out


def test_an_endpoint_whose_weights_nobody_pinned_serves_nothing_yet(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["init", str(tmp_path), "--engine", "endpoint", "--deploy"])

    assert "no stack serves staging yet: " in capsys.readouterr().out
    assert "# Once the model's source" in (tmp_path / "stacks/feedback.yaml").read_text()


def test_beside_stacks_of_ones_own_the_example_is_left_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tree = initial_tree(tmp_path / "repository", "--engine", "scripted")
    tree.git("mv", "stacks/feedback.yaml", "stacks/reviews.yaml")
    tree.git("mv", "stacks/feedback.lock", "stacks/reviews.lock")
    tree.edit("evals/feedback/suite.yaml", "stacks/feedback", "stacks/reviews")
    tree.tetrad("lock")
    capsys.readouterr()

    assert main(["init", str(tree.root), "--engine", "embedded", "--deploy"]) == ExitCode.PASSED

    said = capsys.readouterr().out
    assert "  the example is left out: stacks/ has stacks of its own\n" in said
    assert "no stack serves staging yet: " in said
    assert not (tree.root / "stacks/feedback.yaml").exists()
    assert not (tree.root / "stacks/models/smollm2-135m.yaml").exists()
    assert tree.tetrad("lint") == ExitCode.PASSED


def test_a_users_ruff_leaves_the_program_alone(tmp_path: Path) -> None:
    main(["init", str(tmp_path), "--engine", "scripted", "--deploy"])
    (tmp_path / "pyproject.toml").write_text('[tool.ruff.lint]\nselect = ["ALL"]\n')

    for command in (["check"], ["format", "--check"]):
        ruff = Path(sys.executable).with_name("ruff")
        done = subprocess.run(
            [ruff, *command, tmp_path], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout
    assert not (tmp_path / "infra/.ruff_cache").exists()
