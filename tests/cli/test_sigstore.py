"""`tetrad attest --sigstore` by the real client against services of this machine, and what it signs
verified by an environment that names the job.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import webbrowser
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from evidenced import ENVIRONMENT, answering, attest, copied, environment_text, evidenced_tree
from sigstores import ISSUER, REQUEST_TOKEN, WORKFLOW, Sigstore, running
from trees import Tree

from tetrad.errors import ExitCode

ROOT = "infra/keys/trusted_root.json"
ACCOUNTS = "https://accounts.example.com"
PRODUCTION = ("feedback", "--env", "production")
JOB = {
    "sigstore": {"identity": WORKFLOW, "issuer": ISSUER, "root": ROOT},
    "role": "evaluator",
}


@pytest.fixture(scope="module")
def sigstore() -> Sigstore:
    return Sigstore()


@pytest.fixture(scope="module")
def gated(tmp_path_factory: pytest.TempPathFactory, sigstore: Sigstore) -> Path:
    """A repository that trusts the job, and whose gate passed."""
    folder = tmp_path_factory.mktemp("gated")
    tree = evidenced_tree(folder)
    tree.write(ROOT, json.dumps(sigstore.trusted_root()))
    requires = {"evidence": {"signers": ["job"], "max_age_days": 30}}
    document = json.loads(environment_text(requires=requires))
    document["signers"]["job"] = JOB
    tree.write(ENVIRONMENT, json.dumps(document))
    tree.commit("Trust the job")
    with pytest.MonkeyPatch.context() as patch, answering(patch):
        assert tree.tetrad("gate") == ExitCode.PASSED
    return folder


@pytest.fixture
def tree(gated: Path, tmp_path: Path) -> Tree:
    return copied(gated, tmp_path)


@pytest.fixture
def job(
    sigstore: Sigstore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Path, list[str]]]:
    """A job of GitHub's, with the client trust config that names the services, and what these were
    asked for.
    """
    with running(sigstore) as (url, asked):
        config = tmp_path / "client-trust.json"
        config.write_text(json.dumps(sigstore.client_trust(url)))
        monkeypatch.setenv("GITHUB_ACTIONS", "true")
        monkeypatch.setenv("ACTIONS_ID_TOKEN_REQUEST_TOKEN", REQUEST_TOKEN)
        monkeypatch.setenv("ACTIONS_ID_TOKEN_REQUEST_URL", f"{url}/token?x=y")
        yield config, asked


def test_a_job_without_a_key_signs_what_an_environment_takes(
    tree: Tree, job: tuple[Path, list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    config, asked = job

    assert tree.tetrad("attest", "--sigstore", str(config)) == ExitCode.PASSED
    assert "PASSED, 3 envelopes signed" in capsys.readouterr().out
    assert asked == ["/token", "/api/v2/signingCert", *["/api/v1/log/entries"] * 3]
    assert tree.tetrad("verify", "feedback", "--env", "production") == ExitCode.PASSED
    assert tree.tetrad("evidence", "show", "feedback") == ExitCode.PASSED
    assert "  job" in capsys.readouterr().out


class Browser(webbrowser.BaseBrowser):
    """A person who logs in at once."""

    def open(self, url: str, new: int = 0, autoraise: bool = True) -> bool:
        threading.Thread(target=httpx2.get, args=(url,), kwargs={"follow_redirects": True}).start()
        return True


@pytest.fixture
def ada(
    tree: Tree, job: tuple[Path, list[str]], sigstore: Sigstore, monkeypatch: pytest.MonkeyPatch
) -> str:
    """Ada at her machine, with what signs there; the environment asks for her approval."""
    document = json.loads((tree.root / ENVIRONMENT).read_text())
    document["requires"]["approvals"] = {"count": 1, "from": ["platform"], "not_author": True}
    document["signers"]["ada"] = {
        "sigstore": {"identity": "ada@example.com", "issuer": ACCOUNTS, "root": ROOT},
        "role": "approver",
        "teams": ["platform"],
        "authors": ["ada@example.com"],
    }
    tree.write(ENVIRONMENT, json.dumps(document))
    tree.tetrad("attest", "--sigstore", str(job[0]))
    monkeypatch.delenv("GITHUB_ACTIONS")
    monkeypatch.setattr(sigstore, "identity", "ada@example.com")
    monkeypatch.setattr(sigstore, "issuer", ACCOUNTS)
    webbrowser.register("of-this-test", None, Browser(), preferred=True)
    return str(job[0])


# sigstore's own server, to which a login returns, is left open.
left_open = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@left_open
def test_a_person_without_a_key_approves_by_logging_in(
    tree: Tree, ada: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert tree.tetrad("verify", *PRODUCTION) == ExitCode.REFUSED
    capsys.readouterr()
    assert tree.tetrad("approve", *PRODUCTION, "--sigstore", ada) == ExitCode.PASSED
    assert capsys.readouterr().out.startswith("ada approved feedback (")
    assert tree.tetrad("verify", *PRODUCTION) == ExitCode.PASSED


@left_open
def test_who_is_no_approver_is_told_how_to_be_one(
    tree: Tree, ada: str, sigstore: Sigstore, capsys: pytest.CaptureFixture[str]
) -> None:
    sigstore.identity = "eve@example.com"
    approve = ("approve", *PRODUCTION, "--sigstore", ada)
    assert tree.tetrad(*approve) == ExitCode.MISUSE
    told = capsys.readouterr().err
    assert f"names no signer 'eve@example.com', certified by '{ACCOUNTS}'" in told
    assert "with role: approver and sigstore: {identity: …, issuer: …}" in told
    sigstore.identity, sigstore.issuer = WORKFLOW, ISSUER
    assert tree.tetrad(*approve) == ExitCode.MISUSE
    assert "the key of job has the role evaluator in production" in capsys.readouterr().err
    assert tree.tetrad("verify", *PRODUCTION) == ExitCode.REFUSED


@left_open
@pytest.mark.parametrize(
    ("login", "said"),
    [
        ({"error": "access_denied"}, "Error response from auth endpoint: access_denied"),
        ({"code": "another"}, "Error response from token endpoint: invalid_grant"),
        ({}, "the login gave no identity"),
    ],
)
def test_a_login_that_fails_is_told(
    tree: Tree,
    ada: str,
    login: dict[str, str],
    said: str,
    sigstore: Sigstore,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(sigstore, "login", login)
    capsys.readouterr()
    assert tree.tetrad("approve", *PRODUCTION, "--sigstore", ada) in {
        ExitCode.MISUSE,
        ExitCode.INCONCLUSIVE,
    }
    captured = capsys.readouterr()
    assert said in captured.err
    assert "approved" not in captured.out


def test_nobody_logs_in_where_nobody_is(tree: Tree, ada: str) -> None:
    command = [sys.executable, "-m", "tetrad", "approve", *PRODUCTION, "--sigstore", ada]
    done = subprocess.run(
        command, cwd=tree.root, check=False, stdin=subprocess.DEVNULL, capture_output=True, text=True,
        env={**os.environ, "BROWSER": "/nowhere/browser"},
    )  # fmt: skip
    assert done.returncode == ExitCode.MISUSE
    assert (
        "this is not a terminal, so nobody can log in\n  help: sign with a key instead: --key"
        in done.stderr
    )


def test_without_the_extra_evidence_is_shown_and_does_not_count(
    tree: Tree, job: tuple[Path, list[str]]
) -> None:
    tree.tetrad("attest", "--sigstore", str(job[0]))

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        hidden = "import sys; sys.modules['sigstore'] = None; from tetrad.cli import main"
        command = [sys.executable, "-c", f"{hidden}; sys.exit(main({list(arguments)!r}))"]
        return subprocess.run(command, cwd=tree.root, check=False, capture_output=True, text=True)

    shown = run("evidence", "show", "feedback")
    assert (shown.returncode, shown.stderr) == (0, "")
    assert "unknown key" in shown.stdout
    refused = run("verify", "feedback", "--env", "production")
    assert "verifying it needs pip install 'tetrad[sigstore]'" in refused.stdout
    unsigned = run("attest", "--sigstore")
    assert unsigned.returncode == ExitCode.MISUSE
    assert "--sigstore needs an extra\n  help: pip install 'tetrad[sigstore]'" in unsigned.stderr


def test_another_job_signs_nothing_that_counts(
    tree: Tree, job: tuple[Path, list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    assert tree.tetrad("attest", "--sigstore", str(job[0])) == ExitCode.PASSED
    tree.edit(ENVIRONMENT, "gate.yml", "release.yml")
    capsys.readouterr()

    assert tree.tetrad("verify", "feedback", "--env", "production") == ExitCode.REFUSED
    assert "signature: no key of the environment signed it" in capsys.readouterr().out


def test_outside_of_a_job_there_is_nobody_to_sign_for(
    tree: Tree,
    job: tuple[Path, list[str]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.delenv("GITHUB_ACTIONS")
    assert tree.tetrad("attest", "--sigstore", str(job[0])) == ExitCode.MISUSE
    assert "permissions: {id-token: write}" in capsys.readouterr().err

    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.delenv("ACTIONS_ID_TOKEN_REQUEST_TOKEN")
    assert tree.tetrad("attest", "--sigstore", str(job[0])) == ExitCode.MISUSE
    assert "missing or insufficient OIDC token permissions" in capsys.readouterr().err
    assert job[1] == []


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--sigstore", "nowhere.json"), "nowhere.json cannot be read: No such file"),
        (("--sigstore", "README.md"), "README.md is not a Sigstore client trust config"),
        (("--sigstore", "--key", "env:X"), "--key and --sigstore: sign with one of them"),
    ],
)
def test_options_that_cannot_be_met_are_told(
    options: tuple[str, ...],
    said: str,
    tree: Tree,
    job: tuple[Path, list[str]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    tree.write("README.md", "# A system\n")
    monkeypatch.chdir(tree.root)

    assert tree.tetrad("attest", *options) == ExitCode.MISUSE
    assert said in capsys.readouterr().err


def test_services_that_do_not_answer_are_told(
    tree: Tree,
    job: tuple[Path, list[str]],
    sigstore: Sigstore,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    job[0].write_text(json.dumps(sigstore.client_trust("http://127.0.0.1:1")))

    assert tree.tetrad("attest", "--sigstore", str(job[0])) == ExitCode.INCONCLUSIVE
    assert "help: run the command again" in capsys.readouterr().err
    assert tree.git("branch", "--list", "tetrad/evidence") == ""


def test_a_key_still_signs(tree: Tree) -> None:
    assert attest(tree) == ExitCode.PASSED
