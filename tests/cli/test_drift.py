"""`tetrad drift` of an environment on this machine: identities, corpora, and models of vendors."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from checkouts import commit, run
from clusters import clustered
from deployments import REF, improve, serve, write_environment
from probed import Vendor, probed_tree
from trees import Tree, scripted_tree

from tetrad.cli import main
from tetrad.errors import ExitCode

DOCUMENTS = "stacks/corpora/handbook"


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    """The scripted stack serves production, and nobody has to sign."""
    tree = scripted_tree(tmp_path / "repository")
    write_environment(tree, "production")
    serve(tree, environments=["production"])
    tree.commit("Serve production")
    return tree


def drift(tree: Tree, capsys: pytest.CaptureFixture[str], *options: str) -> tuple[int, Any]:
    capsys.readouterr()
    code = tree.tetrad("drift", "production", "--format", "json", *options)
    return code, json.loads(capsys.readouterr().out)


def test_what_was_deployed_does_not_differ(tree: Tree, capsys: pytest.CaptureFixture[str]) -> None:
    assert tree.tetrad("deploy", "production") == 0

    code, found = drift(tree, capsys)

    assert code == ExitCode.PASSED
    assert found == {
        "environment": "production",
        "objects": [],
        "identities": [],
        "corpora": [],
        "sources": [],
        "models": [],
    }
    assert tree.tetrad("drift", "production") == ExitCode.PASSED
    assert capsys.readouterr().out == "production: no drift\n"


def test_before_the_first_deployment_nothing_differs(
    tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    assert drift(tree, capsys)[0] == ExitCode.PASSED


def test_a_merge_that_nobody_deployed_differs(
    tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    tree.tetrad("deploy", "production")
    improve(tree)

    code, found = drift(tree, capsys)

    assert code == ExitCode.REFUSED
    (one,) = found["identities"]
    assert one["stack"] == REF
    assert one["merged"] != one["live"]
    assert tree.tetrad("drift", "production") == ExitCode.REFUSED
    assert f"  {REF}: {one['live'][7:19]} is live, merged is {one['merged'][7:19]}" in (
        capsys.readouterr().out
    )


def test_a_withdrawn_identity_says_why_it_does_not_serve(
    tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    tree.tetrad("deploy", "production")
    improve(tree)
    tree.tetrad("deploy", "production")
    assert tree.tetrad("rollback", "production", "--reason", "it is rude") == 0

    code, found = drift(tree, capsys)

    assert code == ExitCode.REFUSED
    assert "withdrawn" in found["identities"][0]["why"]
    assert "it is rude" in found["identities"][0]["why"]


def test_a_stack_that_left_the_environment_differs(
    tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    tree.tetrad("deploy", "production")
    serve(tree, environments=[])
    tree.commit("Serve nothing")

    code, found = drift(tree, capsys)

    assert code == ExitCode.REFUSED
    assert found["identities"][0]["merged"] is None


@pytest.fixture
def pinned(tmp_path: Path, vendor: Vendor) -> Tree:
    """A stack with a vendor's model whose fingerprint is pinned."""
    tree = probed_tree(tmp_path)
    tree.write("infra/environments/production.yaml", "kind: environment\n")
    (stack,) = (tree.root / "stacks").glob("*.yaml")
    tree.append(f"stacks/{stack.name}", "serving: {environments: [production]}\n")
    assert tree.tetrad("pin") == 0
    return tree


def test_a_model_that_answers_its_probes_as_before_does_not_differ(
    pinned: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    assert drift(pinned, capsys)[0] == ExitCode.PASSED


def test_a_model_that_answers_its_probes_otherwise_differs(
    pinned: Tree, vendor: Vendor, capsys: pytest.CaptureFixture[str]
) -> None:
    vendor.word = "two"

    code, found = drift(pinned, capsys)

    assert code == ExitCode.REFUSED
    (one,) = found["models"]
    assert one["model"] == "stacks/models/endpoint"
    assert one["found"].startswith("sha256:")
    assert drift(pinned, capsys, "--no-probes")[0] == ExitCode.PASSED


def test_a_model_that_does_not_answer_leaves_it_open(
    pinned: Tree, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LLM_URL")

    code, found = drift(pinned, capsys)

    assert code == ExitCode.INCONCLUSIVE
    assert found["models"][0]["found"] is None
    assert "LLM_URL is not set" in found["models"][0]["why"]


def test_a_corpus_that_moved_differs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = clustered(tmp_path, {}, ["vendor"], searching=True)
    (root / "infra/environments/production.yaml").write_text("kind: environment\n")
    (root / "stacks/models/large.yaml").write_text((root / "stacks/models/vendor.yaml").read_text())

    code = main(["-C", str(root), "drift", "production"])

    assert code == ExitCode.REFUSED
    assert "  stacks/corpora/handbook: its documents have the digest" in capsys.readouterr().out


def test_a_corpus_whose_source_moved_on_differs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = clustered(tmp_path / "repository", {}, ["vendor"], searching=True)
    (root / "infra/environments/production.yaml").write_text("kind: environment\n")
    (root / "stacks/models/large.yaml").write_text((root / "stacks/models/vendor.yaml").read_text())
    source = tmp_path / "source"
    (root / DOCUMENTS).rename(source)
    run(source, "init", "--quiet", "--initial-branch=main")
    commit(source, {})
    run(root, "init", "--quiet", "--initial-branch=main")
    run(root, "submodule", "--quiet", "add", str(source), DOCUMENTS)
    commit(root, {})
    main(["-C", str(root), "drift", "production", "--format", "json"])
    (unpinned,) = json.loads(capsys.readouterr().out)["corpora"]
    corpus = root / "stacks/corpora/handbook.yaml"
    corpus.write_text(corpus.read_text().replace(unpinned["pinned"], unpinned["found"]))
    assert main(["-C", str(root), "drift", "production"]) == ExitCode.PASSED

    newest = commit(source, {"new.md": "# New"})

    assert main(["-C", str(root), "drift", "production"]) == ExitCode.REFUSED
    assert f"  stacks/corpora/handbook: its source is at {newest[:12]}, pinned is " in (
        capsys.readouterr().out
    )
    source.rename(tmp_path / "elsewhere")
    assert main(["-C", str(root), "drift", "production"]) == ExitCode.INCONCLUSIVE
