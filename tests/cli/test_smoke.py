"""`tetrad smoke` puts the tagged cases to a gateway that serves, and says what became of them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from gateways import AT, Followed, gateway, listening
from starlette.applications import Starlette
from trees import Tree, add_clock, scripted_tree

from tetrad.canonical import digest_bytes
from tetrad.errors import ExitCode
from tetrad.model.serving import Access, Client, Serving
from tetrad.pointer import ServedIdentity, StackPointer
from tetrad.snapshots import take_snapshot
from tetrad.trees import WorkingTree

REF = "stacks/feedback"
GOLDEN = "evals/feedback/golden.yaml"


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    """The scripted stack, which serves `local`; its first case is to be smoked."""
    made = scripted_tree(tmp_path / "repository")
    made.write("infra/environments/local.yaml", "kind: environment\n")
    made.append("stacks/feedback.yaml", "serving: {environments: [local]}\n")
    golden = (made.root / GOLDEN).read_text()
    made.write(
        GOLDEN,
        re.sub(r"^- id: (\S+)$", r"- id: \1\n  tags: [smoke]", golden, count=1, flags=re.MULTILINE),
    )
    made.tetrad("lock")
    made.commit()
    return made


@contextmanager
def serving(tree: Tree, access: Access | None = None) -> Iterator[str]:
    """A gateway that serves the stack as it is in the tree now."""
    snapshot = take_snapshot(WorkingTree(tree.root), REF)
    served = ServedIdentity(
        identity=snapshot.identity, snapshot=snapshot.digest, commit="0" * 40, since=AT
    )
    followed = Followed()
    pointer = followed.move(
        access=access, feedback=StackPointer(stack=REF, live=served, serving=Serving())
    )
    cache = tree.root.parent / "cache"
    with gateway(followed, {snapshot.digest: snapshot}, cache) as address:
        followed.wait_for(pointer.number)
        yield address


def smoke(tree: Tree, *arguments: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    capsys.readouterr()
    code = tree.tetrad("smoke", *arguments)
    said = capsys.readouterr()
    return code, said.out + said.err


def test_tagged_cases_pass_on_what_serves_them(
    tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    with serving(tree) as address:
        code, said = smoke(tree, address, capsys=capsys)

    assert code == ExitCode.PASSED
    assert "1 of 1 passed" in said


def test_a_case_that_fails_is_shown_with_its_reason(
    tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    tree.edit(
        GOLDEN,
        "type: equals, value: positive}]\n- id: torn-box",
        "type: equals, value: neither}]\n- id: torn-box",
    )
    tree.tetrad("lock")
    with serving(tree) as address:
        code, said = smoke(tree, address, "feedback", capsys=capsys)

    assert code == ExitCode.REFUSED
    assert "neither" in said
    assert "0 of 1 passed" in said


def test_an_answer_of_another_identity_counts_for_nothing(
    tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    with serving(tree) as address:
        tree.edit("prompts/feedback.yaml", "negative?", "negative!")
        tree.tetrad("lock")
        code, said = smoke(tree, address, capsys=capsys)

    assert code == ExitCode.REFUSED
    assert re.search(r"identity: [0-9a-f]{12} answered, expected [0-9a-f]{12}", said)


def test_an_api_key_comes_from_the_environment(
    tree: Tree, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    access = Access(clients={"ci": Client(tenant="ci", keys=(digest_bytes(b"sk-ours"),))})
    with serving(tree, access) as address:
        refused, said = smoke(tree, address, capsys=capsys)
        monkeypatch.setenv("TETRAD_API_KEY", "sk-ours")
        passed, _ = smoke(tree, address, capsys=capsys)

    assert refused == ExitCode.INCONCLUSIVE
    assert "HTTP 401 from the gateway" in said
    assert passed == ExitCode.PASSED


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        ("  turns: [{role: user, content: Hello}]\n", "it has `turns`"),
        ("  tools: [{tool: now, result: 1}]\n", "it records tool results"),
    ],
)
def test_what_a_gateway_cannot_be_asked_is_said_beforehand(
    tree: Tree, capsys: pytest.CaptureFixture[str], lines: str, why: str
) -> None:
    if "turns" in lines:
        tree.edit("prompts/feedback.yaml", "style: completion", "style: chat")
        tree.append("prompts/feedback.yaml", "chat: {input: review, history: {max_tokens: 100}}\n")
    else:
        add_clock(tree)
    with serving(tree) as address:
        tree.edit(GOLDEN, "  tags: [smoke]\n", f"  tags: [smoke]\n{lines}")
        code, said = smoke(tree, address, capsys=capsys)

    assert code == ExitCode.MISUSE
    assert why in said


def test_without_a_tagged_case_nothing_is_asked(
    tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    with serving(tree) as address:
        code, said = smoke(tree, address, "--tag", "other", capsys=capsys)

    assert code == ExitCode.MISUSE
    assert "no case of a stack that serves local has the tag 'other'\n  help: " in said


@pytest.mark.parametrize("address", ["http://127.0.0.1:1", "http://127.0.0.1:1/below/"])
def test_nobody_there_is_inconclusive(
    tree: Tree, capsys: pytest.CaptureFixture[str], address: str
) -> None:
    code, said = smoke(tree, address, capsys=capsys)

    assert code == ExitCode.INCONCLUSIVE
    assert "did not answer" in said


def test_another_server_is_no_gateway(tree: Tree, capsys: pytest.CaptureFixture[str]) -> None:
    with listening(Starlette()) as address:
        code, said = smoke(tree, address, capsys=capsys)

    assert code == ExitCode.INCONCLUSIVE
    assert "did not answer" in said or "HTTP 404" in said


def test_what_is_no_address_is_misuse(tree: Tree, capsys: pytest.CaptureFixture[str]) -> None:
    code, said = smoke(tree, "localhost:8080", capsys=capsys)

    assert (code, said) == (ExitCode.MISUSE, "localhost:8080 is not an http or https URL\n")
