"""What an environment loads is not erased under it."""

from __future__ import annotations

from pathlib import Path

import pytest
from deployments import (
    deployable_tree,
    improve,
    key_of,
    place_of,
    pointer_of,
    write_environment,
)
from trees import Tree

from tetrad.canonical import Digest, digest_bytes
from tetrad.errors import ExitCode
from tetrad.identity import written_identity
from tetrad.pointer import ServedIdentity
from tetrad.registry import open_ledger
from tetrad.snapshots.kept import load_exact

STEPS = {"rollout": {"steps": [5, 100], "pause_s": 300}}


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    return deployable_tree(tmp_path)


def deploy(tree: Tree) -> None:
    assert tree.tetrad("deploy", "production", "--no-wait", *key_of(tree)) == ExitCode.PASSED


def erase(tree: Tree, *named: object) -> int:
    return tree.tetrad("registry", "erase", *map(str, named))


def role_of(tree: Tree, role: str) -> ServedIdentity:
    stack = pointer_of(tree).stacks["stacks/feedback"]
    if role == "rolling out":
        assert stack.rollout is not None
        return stack.rollout.to
    return stack.live if role == "live" else stack.warm[0]


def prompt_of(tree: Tree, served: ServedIdentity) -> Digest:
    with open_ledger(place_of(tree)) as ledger:
        snapshot = load_exact(ledger, served.snapshot)
    return digest_bytes(snapshot.files["prompts/feedback.yaml"])


@pytest.mark.parametrize("role", ["live", "warm", "rolling out"])
def test_what_a_pointer_names_is_not_erased(
    tmp_path: Path, role: str, capsys: pytest.CaptureFixture[str]
) -> None:
    tree = deployable_tree(tmp_path, **(STEPS if role == "rolling out" else {}))
    deploy(tree)
    improve(tree)
    deploy(tree)
    served = role_of(tree, role)
    for named in (
        written_identity(served.identity), served.snapshot, served.identity, prompt_of(tree, served),
    ):  # fmt: skip
        capsys.readouterr()
        assert erase(tree, named) == ExitCode.MISUSE
        told = capsys.readouterr().err
        assert "is needed: stacks/feedback (" in told
        assert f" is {role} in production\n  help: deploy another identity there first" in told
    assert tree.tetrad("registry", "verify") == ExitCode.PASSED


def test_what_no_pointer_names_any_more_is_erased(tree: Tree) -> None:
    deploy(tree)
    first = role_of(tree, "live")
    signers = {"deploy": {"ed25519": "infra/keys/deploy.pub", "role": "deployer"}}
    write_environment(tree, "production", signers=signers, retain={"identities": 0})
    improve(tree)
    deploy(tree)
    assert erase(tree, written_identity(first.identity)) == ExitCode.PASSED


def test_nothing_is_rolled_back_to_what_was_erased(
    tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    deploy(tree)
    first = role_of(tree, "live")
    signers = {"deploy": {"ed25519": "infra/keys/deploy.pub", "role": "deployer"}}
    write_environment(tree, "production", signers=signers, retain={"identities": 0})
    improve(tree)
    deploy(tree)
    before = pointer_of(tree)
    erase(tree, written_identity(first.identity))
    back = ("rollback", "production", "--to", first.identity.hex[:12], *key_of(tree))
    assert tree.tetrad(*back) == ExitCode.MISUSE
    assert "its files were erased from the registry" in capsys.readouterr().err
    assert pointer_of(tree) == before


def test_an_environment_of_another_repository_is_kept_from_harm_too(
    tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    deploy(tree)
    live = role_of(tree, "live")
    (tree.root / "infra/environments/production.yaml").unlink()
    assert erase(tree, written_identity(live.identity)) == ExitCode.MISUSE
    assert "is live in production" in capsys.readouterr().err


def test_a_pointer_that_nobody_signed_keeps_nothing(tree: Tree) -> None:
    deploy(tree)
    live = role_of(tree, "live")
    signers = {"ops": {"ed25519": "infra/keys/ops.pub", "role": "deployer"}}
    private = str(tree.root.parent / "ops.pem")
    tree.tetrad("keys", "new", "ops", "--role", "deployer", "--private", private)
    write_environment(tree, "production", signers=signers)
    assert erase(tree, written_identity(live.identity)) == ExitCode.PASSED
