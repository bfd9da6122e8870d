"""From a gate's report to a yes: keys, evidence, approval, and everything that refuses a forged report."""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from evidenced import (
    ENVIRONMENT,
    answering,
    attest,
    copied,
    environment_text,
    evidenced_tree,
    key_of,
    right_answer,
)
from fakes import Asked, Reply
from trees import Tree

import tetrad
from tetrad.canonical import digest_bytes
from tetrad.errors import ExitCode
from tetrad.registry import open_ledger, registry_place
from tetrad.snapshots import take_snapshot
from tetrad.snapshots.kept import load
from tetrad.trees import WorkingTree

REPORT = ".tetrad/report.json"
NEW_CASE = """\
- id: broken-handle
  vars: {review: "The handle is torn off."}
  assert: [{type: equals, value: negative}]
"""
PRODUCTION = ("feedback", "--env", "production")


@pytest.fixture
def tree(gated: Path, tmp_path: Path) -> Tree:
    return copied(gated, tmp_path)


def verify(tree: Tree) -> int:
    return tree.tetrad("verify", *PRODUCTION)


def statements(tree: Tree) -> list[dict[str, Any]]:
    """What was signed, as the branch has it."""
    paths = tree.git("ls-tree", "-r", "--name-only", "tetrad/evidence").splitlines()
    envelopes = [json.loads(tree.git("show", f"tetrad/evidence:{path}")) for path in paths]
    return [json.loads(base64.b64decode(envelope["payload"])) for envelope in envelopes]


def test_an_attested_and_approved_identity_may_serve(
    tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    assert verify(tree) == ExitCode.REFUSED
    assert attest(tree) == ExitCode.PASSED
    assert "PASSED, 3 envelopes signed" in capsys.readouterr().out
    assert verify(tree) == ExitCode.REFUSED
    said = capsys.readouterr().out
    assert "approvals   0 of 1 approvals of platform" in said
    approve = ("approve", *PRODUCTION, "--key", key_of(tree, "ada"))
    assert tree.tetrad(*approve) == ExitCode.PASSED
    assert verify(tree) == ExitCode.PASSED
    assert capsys.readouterr().out.endswith("may serve production\n")
    assert tetrad.verify("feedback", "production", tree.root).is_yes


def test_evidence_is_about_one_identity(tree: Tree, capsys: pytest.CaptureFixture[str]) -> None:
    attest(tree)
    tree.edit("prompts/feedback.yaml", "Sort each", "Sort every")
    capsys.readouterr()
    assert verify(tree) == ExitCode.REFUSED
    assert "no verification summary for production counts" in capsys.readouterr().out


def test_evidence_lies_on_a_branch_and_in_the_ledger(tree: Tree) -> None:
    attest(tree)
    listed = tree.git("ls-tree", "-r", "--name-only", "tetrad/evidence").splitlines()
    assert len(listed) == 3  # an evaluation, a test result, and a summary for production
    assert all(path.startswith("evidence/") and path.endswith(".json") for path in listed)
    (tree.root / ".tetrad/registry.db").unlink()
    assert json.loads(tree.git("show", f"tetrad/evidence:{listed[0]}"))["payloadType"]
    assert tree.tetrad("approve", *PRODUCTION, "--key", key_of(tree, "ada")) == ExitCode.PASSED
    assert verify(tree) == ExitCode.PASSED  # the branch alone is enough


Forge = Callable[[dict[str, Any]], None]


def first_case(report: dict[str, Any]) -> dict[str, Any]:
    case: dict[str, Any] = report["stacks"][0]["suites"][0]["cases"][0]
    return case


def forge_output(report: dict[str, Any]) -> None:
    first_case(report)["samples"][0]["output"] = "negative"


def forge_score(report: dict[str, Any]) -> None:
    sample = first_case(report)["samples"][0]
    sample["assertions"][0].update(score=0.5)


def forge_metrics(report: dict[str, Any]) -> None:
    first_case(report)["samples"][0]["metrics"] = {"answer": 0.9}


def forge_case(report: dict[str, Any]) -> None:
    del report["stacks"][0]["suites"][0]["cases"][0]


def forge_requirement(report: dict[str, Any]) -> None:
    report["stacks"][0]["suites"][0]["requirements"][0]["value"] = 0.99


def forge_identity(report: dict[str, Any]) -> None:
    report["stacks"][0]["identity"] = "tetrad:" + "0" * 64


def forge_golden(report: dict[str, Any]) -> None:
    report["stacks"][0]["suites"][0]["digest"] = "sha256:" + "0" * 64


def forge_preview(report: dict[str, Any]) -> None:
    report["stacks"][0]["preview"] = True


FORGED: dict[str, tuple[Forge, str]] = {
    "an answer": (forge_output, "the trace ends with another answer"),
    "a score": (forge_score, "is recorded with the score 0.5, expected 1"),
    "a metric": (forge_metrics, "its metrics do not follow from its assertions"),
    "a case that is left out": (forge_case, "the cases are not those of the golden set"),
    "a requirement's value": (forge_requirement, "min does not follow from the scores"),
    "an identity": (forge_identity, "the report's identity is 000000000000"),
    "a suite": (forge_golden, "the commit's suite differs"),
    "a preview": (forge_preview, "a preview cannot be attested"),
    "another commit": (
        lambda r: r.update(head="0" * 40),
        "the report is about commit 000000000000",
    ),
    "uncommitted files": (lambda r: r.update(dirty=True), "about uncommitted files"),
    "another decision": (lambda r: r.update(decision="FAILED"), "the report says FAILED"),
    "a future time": (lambda r: r.update(created="2999-01-01T00:00:00+00:00"), "in the future"),
    "another release": (
        lambda r: r.update(harness="0.0.1"),
        "the report was written by tetrad 0.0.1",
    ),
}


@pytest.mark.parametrize("name", FORGED)
def test_a_report_that_the_commit_does_not_give_is_not_signed(
    tree: Tree, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    forge, problem = FORGED[name]
    report = json.loads((tree.root / REPORT).read_text())
    forge(report)
    (tree.root / REPORT).write_text(json.dumps(report))
    assert attest(tree) == ExitCode.REFUSED
    assert problem in capsys.readouterr().err
    assert verify(tree) == ExitCode.REFUSED


@pytest.mark.parametrize(("minutes", "code"), [(4, ExitCode.PASSED), (6, ExitCode.REFUSED)])
def test_the_clock_of_the_job_that_evaluated_may_be_minutes_ahead(
    tree: Tree, minutes: int, code: ExitCode
) -> None:
    report = json.loads((tree.root / REPORT).read_text())
    report["created"] = (datetime.now(UTC) + timedelta(minutes=minutes)).isoformat()
    (tree.root / REPORT).write_text(json.dumps(report))
    assert attest(tree) == code
    tree.tetrad("approve", *PRODUCTION, "--key", key_of(tree, "ada"))
    assert verify(tree) == code


def test_a_failed_gate_is_evidence_of_a_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    tree = evidenced_tree(tmp_path)
    with answering(monkeypatch, lambda _: Reply(text="positive")):
        assert tree.tetrad("gate") == ExitCode.REFUSED
    assert attest(tree) == ExitCode.REFUSED
    assert "FAILED, 3 envelopes signed" in capsys.readouterr().out
    assert verify(tree) == ExitCode.REFUSED
    assert "decision: the verdict is" in capsys.readouterr().out


def test_a_report_that_is_too_large_is_not_read(
    tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    with (tree.root / REPORT).open("r+b") as report:
        report.truncate(256_000_001)  # a hole, which takes no room
    assert attest(tree) == ExitCode.MISUSE
    assert "has 256,000,001 bytes, and a report that is attested at most" in capsys.readouterr().err


def test_a_report_has_to_compare_with_the_base_that_is_named(
    tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    assert attest(tree, "--base", "HEAD~1") == ExitCode.PASSED
    assert attest(tree, "--base", "HEAD") == ExitCode.MISUSE
    assert "not with the merge base of HEAD and HEAD" in capsys.readouterr().err


def test_what_holds_a_secret_is_not_signed(
    tree: Tree, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    token = "hf_" + "aB3dE5fG7hJ9kL1mN3pQ5rS7tU9vW1xY3z"[:34]
    tree.edit("prompts/feedback.yaml", "Sort each", f"The token is {token}. Sort each")
    tree.tetrad("lock")
    tree.commit()
    with answering(monkeypatch):
        tree.tetrad("gate")
    capsys.readouterr()
    assert attest(tree) == ExitCode.REFUSED
    assert "prompts/feedback.yaml:" in (said := capsys.readouterr().err)
    assert "Hugging Face token" in said
    assert token not in said


def test_evidence_is_pushed_on_top_of_what_others_pushed(tree: Tree, tmp_path: Path) -> None:
    tree.git("init", "--quiet", "--bare", str(tmp_path / "remote.git"))
    tree.git("remote", "add", "origin", str(tmp_path / "remote.git"))
    tree.git("push", "--quiet", "origin", "main")
    assert attest(tree, "--push") == ExitCode.PASSED
    approve = ("approve", *PRODUCTION, "--push")
    assert tree.tetrad(*approve, "--key", key_of(tree, "ada")) == ExitCode.PASSED
    listed = tree.git("ls-tree", "-r", "--name-only", "origin/tetrad/evidence").splitlines()
    assert len(listed) == 4
    clone = Tree(tmp_path / "clone")
    tree.git("clone", "--quiet", str(tmp_path / "remote.git"), "-b", "main", str(clone.root))
    assert verify(clone) == ExitCode.PASSED


def test_evidence_of_two_stacks_of_one_identity_is_pushed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree = evidenced_tree(tmp_path)
    tree.write("stacks/twin.yaml", (tree.root / "stacks/feedback.yaml").read_text())
    tree.edit("evals/feedback/suite.yaml", "[stacks/feedback]", "[stacks/feedback, stacks/twin]")
    tree.tetrad("lock")
    tree.commit("Add a twin")
    remote = tmp_path / "remote.git"
    tree.git("init", "--quiet", "--bare", str(remote))
    tree.git("remote", "add", "origin", str(remote))
    with answering(monkeypatch):
        assert tree.tetrad("gate") == ExitCode.PASSED
    assert attest(tree, "--push") == ExitCode.PASSED
    assert tree.git("diff", "tetrad/evidence", "origin/tetrad/evidence") == ""


@pytest.mark.parametrize("name", ["feedback", "other"])
def test_a_report_about_one_of_several_stacks_whose_suites_were_renamed_is_attested(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree = evidenced_tree(tmp_path)
    tree.write("stacks/other.yaml", (tree.root / "stacks/feedback.yaml").read_text())
    tree.append("stacks/other.yaml", "generation: {max_tokens: 77}\n")
    shutil.copytree(tree.root / "evals/feedback", tree.root / "evals/other")
    tree.edit("evals/other/suite.yaml", "stacks/feedback", "stacks/other")
    tree.tetrad("lock")
    tree.commit("Add another stack")
    for before, after in (("feedback", "z"), ("other", "c")):  # in the other order, and alike
        (tree.root / "evals" / before).rename(tree.root / "evals" / after)
    tree.edit("prompts/feedback.yaml", "Sort each", "Sort every")
    tree.tetrad("lock")
    tree.commit("Rename the suites")
    with answering(monkeypatch):
        assert tree.tetrad("gate", name, "--base", "HEAD~1") == ExitCode.PASSED
    assert attest(tree, "--base", "HEAD~1") == ExitCode.PASSED


def test_keys_stay_out_of_the_repository(tree: Tree, capsys: pytest.CaptureFixture[str]) -> None:
    inside = str(tree.root / "secret.pem")
    assert tree.tetrad("keys", "new", "eve", "--private", inside) == ExitCode.MISUSE
    assert "where a private key must never be" in capsys.readouterr().err
    assert tree.tetrad("keys", "new", "ci", "--private", inside + "2") == ExitCode.MISUSE
    private = tree.root.parent / "ci.pem"
    assert private.stat().st_mode & 0o077 == 0


def test_a_key_of_another_role_approves_nothing(
    tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    approve = ("approve", *PRODUCTION, "--key")
    assert tree.tetrad(*approve, key_of(tree, "ci")) == ExitCode.MISUSE
    assert "has the role evaluator" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        ({"revoked": "2026-01-02"}, "was revoked on 2026-01-02 (in production)"),
        ({"valid": ["2020-01-01", "2020-12-31"]}, "is valid from 2020-01-01 to 2020-12-31"),
    ],
)
def test_a_key_that_no_longer_counts_signs_nothing(
    tree: Tree, said: dict[str, Any], problem: str, capsys: pytest.CaptureFixture[str]
) -> None:
    attest(tree)
    tree.tetrad("approve", *PRODUCTION, "--key", key_of(tree, "ada"))
    document = json.loads((tree.root / ENVIRONMENT).read_text())
    for name in ("ada", "deploy"):
        document["signers"][name].update(said)
    document["signers"]["ben"] = {**document["signers"]["ci"], "role": "approver"}
    del document["signers"]["ci"], document["requires"]
    tree.write(ENVIRONMENT, json.dumps(document))
    tree.commit("Trust others")
    for command, name in (("approve", "ada"), ("admit", "deploy")):
        capsys.readouterr()
        assert tree.tetrad(command, *PRODUCTION, "--key", key_of(tree, name)) == ExitCode.MISUSE
        assert problem in capsys.readouterr().err


@pytest.mark.parametrize(
    ("key", "problem"),
    [
        ("env:NOT_SET", "NOT_SET is not set"),
        ("file:/nowhere.pem", "No such file"),
        ("ci.pem", "write env:NAME or file:PATH"),
    ],
)
def test_a_key_that_cannot_be_read_is_explained(
    tree: Tree, key: str, problem: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert tree.tetrad("attest", "--key", key) == ExitCode.MISUSE
    assert problem in capsys.readouterr().err


def test_what_lacks_evidence_is_evaluated_alone(
    tree: Tree, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    unproven = ("gate", "--unproven", "--env", "production")
    attest(tree)
    assert tree.tetrad(*unproven) == ExitCode.PASSED
    assert "nothing to evaluate" in capsys.readouterr().err
    tree.append("evals/feedback/golden.yaml", NEW_CASE)
    tree.tetrad("lock")
    tree.commit("Add a case")
    with answering(monkeypatch) as server:
        assert tree.tetrad(*unproven) == ExitCode.PASSED
    assert len(server.asked) == 1  # the other answers are cached
    attest(tree)
    assert tree.tetrad(*unproven) == ExitCode.PASSED
    assert "nothing to evaluate" in capsys.readouterr().err


def test_a_stack_that_does_not_serve_an_environment_is_told_where_to_say_so(
    tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    tree.edit("stacks/feedback.yaml", "[production]", "[]")
    assert verify(tree) == ExitCode.REFUSED
    told = capsys.readouterr().out
    assert "help: name production under serving.environments in stacks/feedback.yaml" in told
    assert "--unproven" not in told
    assert tree.tetrad("gate", "--unproven", "--env", "production") == ExitCode.PASSED
    assert "no stack names production under serving.environments" in capsys.readouterr().err


def test_an_environment_that_requires_no_evidence_is_told(
    tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    tree.write(ENVIRONMENT, environment_text(requires={"approvals": {"count": 1}}))
    assert tree.tetrad("gate", "--unproven", "--env", "production") == ExitCode.PASSED
    assert "production requires no evidence: nothing to evaluate" in capsys.readouterr().err


def test_a_model_without_a_pin_is_told_how_it_is_taken(
    tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    tree.write(ENVIRONMENT, environment_text(models={}))
    assert verify(tree) == ExitCode.REFUSED
    assert (
        "help: pin it, or take it as it is with models: {stacks/models/endpoint: {unpinned: true}}"
        f" in {ENVIRONMENT}"
    ) in capsys.readouterr().out


@pytest.mark.parametrize("options", [("--unproven",), ("--env", "production")])
def test_unproven_is_about_an_environment(
    tree: Tree, options: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert tree.tetrad("gate", *options) == ExitCode.MISUSE
    assert "write --unproven --env ENV" in capsys.readouterr().err


def test_what_lacks_evidence_is_compared_with_a_base_that_it_equals(
    tree: Tree, monkeypatch: pytest.MonkeyPatch
) -> None:
    with answering(monkeypatch):
        unproven = ("gate", "--unproven", "--env", "production", "--base", "HEAD")
        assert tree.tetrad(*unproven) == ExitCode.PASSED
    report = json.loads((tree.root / REPORT).read_text())
    (suite,) = report["stacks"][0]["suites"]
    assert [r["decision"] for r in suite["requirements"]] == ["PASSED"] * 3
    assert attest(tree, "--base", "HEAD") == ExitCode.PASSED


def test_a_suite_of_the_base_that_could_not_be_decided_is_not_signed_as_passed(
    tree: Tree, monkeypatch: pytest.MonkeyPatch
) -> None:
    golden = "evals/feedback/golden.yaml"
    before = (tree.root / golden).read_text()
    tree.write(
        golden, before.replace("was torn open", "was never closed")
    )  # the same identity: nothing of it binds
    tree.tetrad("lock")
    tree.commit("Ask otherwise")
    (tree.root / ".tetrad/answers.db").unlink()

    def answer(asked: Asked) -> Reply:
        is_before = "torn" in json.dumps(asked.body["messages"][-1])
        return Reply(status=400) if is_before else right_answer(asked)

    with answering(monkeypatch, answer):
        assert tree.tetrad("gate", "--base", "HEAD~1") == ExitCode.PASSED
    report = json.loads((tree.root / REPORT).read_text())
    (by_base,) = report["stacks"][0]["by_base"]
    assert (by_base["binding"], by_base["decision"]) == (False, "INCONCLUSIVE")

    assert attest(tree) == ExitCode.PASSED
    said = {s["predicateType"].rpartition("tetrad/")[2]: s["predicate"] for s in statements(tree)}
    assert said["evaluation/v1"].get("yardsticks", []) == []


def test_the_log_shows_what_the_gate_decided_before_anything_is_signed(
    tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    assert tree.tetrad("log", "feedback") == ExitCode.PASSED
    lines = capsys.readouterr().out.splitlines()
    assert lines[2].endswith("  gate: PASSED: feedback answer 1.00 (n = 10)")
    assert tree.tetrad("log", "feedback", "--format", "json") == ExitCode.PASSED
    last, first = json.loads(capsys.readouterr().out)
    assert (last["decision"]["decision"], first["decision"]) == ("PASSED", None)
    assert last["decision"]["head"] == tree.git("rev-parse", "HEAD").strip()


def test_the_log_shows_identities_with_their_evidence(
    tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    attest(tree)
    tree.tetrad("approve", *PRODUCTION, "--key", key_of(tree, "ada"))
    capsys.readouterr()
    assert tree.tetrad("log", "feedback") == ExitCode.PASSED
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].endswith("prompt")
    assert lines[1].endswith(": Say it in fewer words")
    assert lines[2].endswith("  ci: evaluation PASSED: feedback answer 1.00 (n = 10)")
    assert lines[3].endswith("  ci: summary for production: PASSED")
    assert lines[4].endswith("  ada: approval for production")
    assert lines[5].endswith("new")
    assert tree.tetrad("log", "feedback", "--format", "json", "-n", "1") == ExitCode.PASSED
    (last,) = json.loads(capsys.readouterr().out)
    assert last["changed"] == ["prompt"]
    assert [said["signers"] for said in last["evidence"]] == [["ci"], ["ci"], ["ada"]]


def test_the_bytes_of_an_envelope_are_those_that_were_signed(
    tree: Tree, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    attest(tree)
    path = tree.git("ls-tree", "-r", "--name-only", "tetrad/evidence").splitlines()[0]
    digest = Path(path).stem
    capfdbinary.readouterr()
    assert tree.tetrad("evidence", "show", f"sha256:{digest}") == ExitCode.PASSED
    data = capfdbinary.readouterr().out
    assert hashlib.sha256(data).hexdigest() == digest
    assert tree.tetrad("evidence", "show", f"sha256:{'0' * 64}") == ExitCode.MISUSE
    assert tree.tetrad("evidence", "show", "feedback") == ExitCode.PASSED
    assert b"evaluation PASSED" in capfdbinary.readouterr().out


def test_the_bytes_behind_an_identity_are_kept_with_its_evidence(
    tree: Tree, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    prompt = (tree.root / "prompts/feedback.yaml").read_bytes()
    attest(tree)
    attest(tree)  # the same snapshot

    with open_ledger(registry_place(tree.root)) as ledger:
        (entry,) = ledger.entries(kind="snapshot")
        snapshot = load(ledger, take_snapshot(WorkingTree(tree.root), "feedback").identity)
    assert snapshot.files["prompts/feedback.yaml"] == prompt
    for digest, data in (
        (entry.content, snapshot.manifest),
        (digest_bytes(prompt), prompt),
    ):
        capfdbinary.readouterr()
        assert tree.tetrad("evidence", "show", str(digest)) == ExitCode.PASSED
        assert capfdbinary.readouterr().out == data


def test_what_was_erased_is_said_to_be(tree: Tree, capsys: pytest.CaptureFixture[str]) -> None:
    attest(tree)
    identity = str(take_snapshot(WorkingTree(tree.root), "feedback").identity)
    prompt = str(digest_bytes((tree.root / "prompts/feedback.yaml").read_bytes()))
    erase = ("registry", "erase", identity.replace("sha256", "tetrad"), "--reason", "a name in it")
    assert tree.tetrad(*erase) == ExitCode.PASSED
    capsys.readouterr()
    assert tree.tetrad("evidence", "show", prompt) == ExitCode.MISUSE
    told = capsys.readouterr().err
    assert told.startswith(f"{prompt} was erased on 20")
    assert told.endswith(": a name in it\n")


def test_what_was_said_of_another_stack_of_the_same_identity_is_told_apart(
    tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    attest(tree)
    tree.git("mv", "stacks/feedback.yaml", "stacks/reviews.yaml")
    tree.git("rm", "--quiet", "stacks/feedback.lock")
    tree.edit("evals/feedback/suite.yaml", "stacks/feedback", "stacks/reviews")
    tree.tetrad("lock")
    tree.commit("Rename the stack")
    capsys.readouterr()
    for command in (("log", "reviews"), ("evidence", "show", "reviews")):
        assert tree.tetrad(*command) == ExitCode.PASSED
        told = capsys.readouterr().out
        assert "feedback answer 1.00 (n = 10) (stacks/feedback)\n" in told
        assert "summary for production: PASSED (stacks/feedback)\n" in told


def test_an_identity_is_admitted_once_and_stays_so(
    tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    admit = ("admit", *PRODUCTION, "--key", key_of(tree, "deploy"))
    assert tree.tetrad(*admit) == ExitCode.REFUSED
    attest(tree)
    tree.append("evals/feedback/golden.yaml", "# Not committed yet.\n")
    assert tree.tetrad(*admit) == ExitCode.MISUSE
    assert "uncommitted" in capsys.readouterr().err
    tree.git("checkout", "--quiet", "evals")
    tree.tetrad("approve", *PRODUCTION, "--key", key_of(tree, "ada"))
    capsys.readouterr()
    assert tree.tetrad(*admit) == ExitCode.PASSED
    assert capsys.readouterr().out == "production admits feedback (a1024817be9a)\n"
    assert tree.tetrad(*admit) == ExitCode.PASSED
    assert capsys.readouterr().out.endswith("was admitted to production before\n")
    tree.write(
        ENVIRONMENT,
        environment_text(requires={"evidence": {"signers": ["ci"]}, "approvals": {"count": 2}}),
    )
    assert verify(tree) == ExitCode.PASSED  # by the rules of then
    assert tree.tetrad(*admit[:-1], key_of(tree, "ci")) == ExitCode.MISUSE


@pytest.mark.parametrize(
    "by",
    [
        ("--author", "Ada <ada@example.com>"),
        ("--trailer", "Co-authored-by: Ada <ada@example.com>"),
        ("--trailer", "Co-authored-by: ada@example.com"),
    ],
)
@pytest.mark.parametrize("mailmap", ["", "Bob <bob@example.com> <ada@example.com>\n"])
def test_the_author_of_a_change_does_not_approve_it(
    tree: Tree, by: tuple[str, str], mailmap: str, capsys: pytest.CaptureFixture[str]
) -> None:
    attest(tree)
    tree.tetrad("approve", *PRODUCTION, "--key", key_of(tree, "ada"))
    tree.write(
        ENVIRONMENT,
        environment_text(
            requires={
                "evidence": {"signers": ["ci"]},
                "approvals": {"count": 1, "not_author": True},
            }
        ),
    )
    assert verify(tree) == ExitCode.PASSED  # somebody else made every commit
    tree.write(".mailmap", mailmap)
    tree.git("commit", "--quiet", "--amend", "--no-edit", *by)
    capsys.readouterr()
    assert verify(tree) == ExitCode.REFUSED
    assert "approvals: ada wrote a commit since the last admission" in capsys.readouterr().out


@pytest.mark.parametrize("is_admitted", [False, True])
def test_who_edits_what_judges_a_stack_does_not_approve_it(
    tree: Tree, is_admitted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the admission or without: whoever removes its envelope gains nothing by it."""
    attest(tree)
    rules = {"evidence": {"signers": ["ci"]}, "approvals": {"count": 1, "not_author": True}}
    tree.write(ENVIRONMENT, environment_text(requires=rules))
    tree.commit("Ask for somebody else")
    if is_admitted:
        tree.tetrad("approve", *PRODUCTION, "--key", key_of(tree, "ada"))
        assert tree.tetrad("admit", *PRODUCTION, "--key", key_of(tree, "deploy")) == ExitCode.PASSED
    tree.append("evals/feedback/golden.yaml", NEW_CASE)
    tree.edit("prompts/feedback.yaml", "Sort each", "Sort every")
    tree.tetrad("lock")
    tree.git("add", "prompts", "stacks")
    tree.git("commit", "--quiet", "--message", "Sort every one")
    tree.git("add", "--all")
    tree.git("commit", "--quiet", "--message", "Add a case", "--author", "Ada <ada@example.com>")
    with answering(monkeypatch):
        assert tree.tetrad("gate") == ExitCode.PASSED
    assert attest(tree) == ExitCode.PASSED
    tree.tetrad("approve", *PRODUCTION, "--key", key_of(tree, "ada"))
    assert verify(tree) == ExitCode.REFUSED


def test_what_a_ci_job_evaluated_is_told_to_other_readers_too(
    tree: Tree, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GITHUB_SERVER_URL", "https://github.com")
    monkeypatch.setenv("GITHUB_REPOSITORY", "acme/support")
    monkeypatch.setenv("GITHUB_RUN_ID", "7")
    assert attest(tree) == ExitCode.PASSED
    assert "5 envelopes signed" in capsys.readouterr().out
    types = {statement["predicateType"] for statement in statements(tree)}
    assert types == {
        "https://github.com/tetrad-dev/tetrad/evaluation/v1",
        "https://in-toto.io/attestation/eval-result/v0.1",
        "https://in-toto.io/attestation/test-result/v0.1",
        "https://slsa.dev/provenance/v1",
        "https://slsa.dev/verification_summary/v1",
    }


def test_a_ledger_that_was_rewritten_does_not_hold_the_head_that_was_signed(
    tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    database = tree.root / ".tetrad/registry.db"
    older = database.read_bytes()
    assert attest(tree) == ExitCode.PASSED
    assert attest(tree) == ExitCode.PASSED  # its head is the evidence of before
    assert tree.tetrad("registry", "verify") == ExitCode.PASSED
    for end in ("-wal", "-shm"):
        database.with_name(f"registry.db{end}").unlink(missing_ok=True)
    database.write_bytes(older)
    capsys.readouterr()
    assert tree.tetrad("registry", "verify") == ExitCode.REFUSED
    assert "it is an older copy, or entries were removed" in capsys.readouterr().out
