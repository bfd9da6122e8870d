"""`tetrad render`: the objects of an environment as files."""

from __future__ import annotations

import shutil
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from checkouts import files
from clusters import ENVIRONMENT, EVERY, FULL, NOW, SMALL, ask, clustered, desired_of, point_at

import tetrad
from gathered import gather
from manifests import HEAD, manifests, write_manifests
from objects.everything import object_groups
from tetrad.cli import main

PROGRAM = Path(__file__).parents[2] / "infra"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A repository that has the infrastructure program."""
    root = tmp_path / "repository"
    (root / ".git").mkdir(parents=True)
    shutil.copytree(PROGRAM, root / "infra", ignore=shutil.ignore_patterns("__pycache__", "*.yaml"))
    return root


def render(root: Path, folder: Path) -> int:
    return main(["-C", str(root), "render", "production", "-o", str(folder)])


def kinds(folder: Path) -> list[str]:
    texts = [file.read_text() for file in sorted(folder.glob("*.yaml"))]
    return [yaml.safe_load(text)["kind"] for text in texts]


def test_every_object_is_a_file(root: Path, tmp_path: Path) -> None:
    clustered(root, FULL, EVERY, searching=True)

    assert render(root, tmp_path / "out") == tetrad.ExitCode.PASSED
    desired = gather(root, "production")
    assert len(kinds(tmp_path / "out")) == sum(map(len, object_groups(desired).values()))
    assert kinds(tmp_path / "out")[:2] == ["Namespace", "ConfigMap"]


def test_a_rendering_is_the_same_to_the_byte(root: Path, tmp_path: Path) -> None:
    clustered(root, FULL, EVERY, searching=True)

    for name in ("first", "second"):
        render(root, tmp_path / name)

    assert files(tmp_path / "first") == files(tmp_path / "second")


def test_what_is_no_longer_wanted_goes_and_what_others_wrote_stays(
    root: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "out"
    render(clustered(root, SMALL), folder)
    (folder / "kustomization.yaml").write_text("resources: []\n")
    (folder / "09-deployment-gone.yaml").write_text(HEAD)

    render(root, folder)

    assert (folder / "kustomization.yaml").exists()
    assert not (folder / "09-deployment-gone.yaml").exists()


def test_texts_are_read_back_as_they_were(tmp_path: Path) -> None:
    desired = desired_of(clustered(tmp_path, FULL, EVERY, searching=True))
    objects = [obj for group in object_groups(desired).values() for obj in group]
    read = [yaml.safe_load(text) for text in manifests(desired).values()]

    assert sorted(map(str, map(_sorted, read))) == sorted(map(str, map(_sorted, objects)))


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _sorted(value[key]) for key in sorted(value)}
    return [_sorted(part) for part in value] if isinstance(value, list) else value


def test_an_unproven_identity_is_refused_and_nothing_is_written(
    root: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    signers = {"ci": {"ed25519": "infra/keys/ci.pub", "role": "evaluator"}}
    requires = {"evidence": {"signers": ["ci"]}}
    assert main(["-C", str(root), "keys", "new", "ci", "--private", str(tmp_path / "ci.pem")]) == 0
    clustered(root, {**SMALL, "signers": signers, "requires": requires})

    assert render(root, tmp_path / "out") == tetrad.ExitCode.REFUSED
    assert "stacks/large: tetrad:" in capfd.readouterr().err
    assert not (tmp_path / "out").exists()


def test_what_an_environment_lacks_is_told_without_a_traceback(
    root: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    clustered(root, {"kubernetes": {"context": "prod", "namespace": "llm"}})

    assert render(root, tmp_path / "out") == tetrad.ExitCode.MISUSE
    assert capfd.readouterr().err.startswith(f"{ENVIRONMENT}: kubernetes.gateways is missing")


def test_a_repository_without_the_program_is_told_where_to_get_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / ".git").mkdir()
    clustered(tmp_path, SMALL)

    assert render(tmp_path, tmp_path / "out") == tetrad.ExitCode.MISUSE
    assert "run `tetrad init --deploy`" in capsys.readouterr().err


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    desired = desired_of(clustered(tmp_path / "repository", SMALL))
    (tmp_path / "out").write_text("")

    with pytest.raises(tetrad.UsageError, match="out: File exists"):
        write_manifests(desired, tmp_path / "out")


def test_what_the_pointer_names_is_rendered_beside_the_merged_state(
    root: Path, tmp_path: Path
) -> None:
    clustered(root, SMALL)
    environment = point_at(root)
    model = root / "stacks/models/large.yaml"
    model.write_text(model.read_text().replace("bfloat16", "float16"))

    render(root, tmp_path / "out")

    assert kinds(tmp_path / "out").count("Deployment") == 3  # a gateway, and two servers
    retained = tetrad.retained(environment, root, since=NOW - timedelta(days=1))
    assert [(one.stack.ref, one.unused_since) for one in retained] == [("stacks/large", None)]
    known = [(one.stack, one.snapshot) for one in retained]
    again = tetrad.retained(environment, root, since=NOW - timedelta(days=1), known=known)
    assert again == retained


def test_what_the_pointer_keeps_is_said_to_lack_where_nobody_tells_it(
    root: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    clustered(root, SMALL)
    main(["-C", str(root), "log", "large"])  # makes a registry, which knows of no pointer
    capfd.readouterr()

    for name in ("first", "second"):
        assert render(root, tmp_path / name) == tetrad.ExitCode.PASSED
    told = capfd.readouterr().err
    point_at(root)
    render(root, tmp_path / "third")

    assert told.count("warning: production: what the pointer keeps is not known here") == 2
    assert "the kubeconfig has no context 'prod'" in told
    assert "the registry has no pointer of production" in told
    assert "help: set TETRAD_REGISTRY to the environment's registry, or KUBECONFIG" in told
    assert "warning" not in capfd.readouterr().err
    assert files(tmp_path / "first") == files(tmp_path / "second") == files(tmp_path / "third")


def test_a_withdrawal_survives_a_rendering_of_the_merged_state(root: Path, tmp_path: Path) -> None:
    clustered(root, SMALL)
    before = identities(root)
    ask(root, "Rudely:")
    (left,) = identities(root)
    ask(root, "")
    point_at(root, left)
    ask(root, "Rudely:")

    assert render(root, tmp_path / "out") == tetrad.ExitCode.PASSED
    assert rendered_identities(tmp_path / "out") == before

    ask(root, "Politely:")
    render(root, tmp_path / "out")

    assert rendered_identities(tmp_path / "out") == {*before, *identities(root)}


def identities(root: Path) -> set[str]:
    return {tetrad.identity_of(s) for s in tetrad.load_repository(root).stacks.values()}


def rendered_identities(folder: Path) -> set[str]:
    objects = [yaml.safe_load(file.read_text()) for file in folder.glob("*-snapshot-*.yaml")]
    return {obj["metadata"]["annotations"]["tetrad.dev/identity"] for obj in objects}


def test_what_the_rules_refuse_is_not_rendered(
    root: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    clustered(root, SMALL)
    kubernetes = root / "infra/objects/kubernetes.py"
    kubernetes.write_text(
        kubernetes.read_text().replace('"runAsNonRoot": True', '"runAsNonRoot": False')
    )

    assert render(root, tmp_path / "out") == tetrad.ExitCode.REFUSED
    assert "server may run as root: runAsNonRoot is not true (not-root)" in capfd.readouterr().err
    assert not (tmp_path / "out").exists()
