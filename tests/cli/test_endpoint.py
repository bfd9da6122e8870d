"""What a run says and does where its endpoint fails: exit codes, messages, and requests that were sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from fakes import Asked, OpenAIServer, Reply, nowhere
from trees import Tree, initial_tree

from tetrad.errors import ExitCode
from tetrad.model import OpenAIEngine

GOLDEN = "evals/feedback/golden.yaml"


@pytest.fixture
def asking(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Tree:
    """A repository whose stack asks an endpoint, with 200 cases."""
    tree = initial_tree(
        tmp_path / "repository", "--engine", "endpoint", "--endpoint-model", "small"
    )
    monkeypatch.setenv("LLM_KEY", "sk-ours")
    (tree.root / GOLDEN).write_text(
        "".join(
            f"- {{id: c{n}, vars: {{review: review {n}}}, assert: [{{type: equals, value: ok}}]}}\n"
            for n in range(200)
        )
    )
    capsys.readouterr()
    return tree


def test_a_wrong_key_ends_the_run_with_one_message(
    asking: Tree, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with OpenAIServer(Reply(status=401, error={"message": "Incorrect API key"})) as server:
        monkeypatch.setenv("LLM_URL", server.url)
        code = asking.tetrad("gate")

    said = capsys.readouterr()
    assert (code, said.out) == (ExitCode.MISUSE, "")
    assert said.err == (
        f"small at {server.url}: 401 Unauthorized: Incorrect API key"
        "\n  help: check the key in LLM_KEY\n"
    )


def test_what_was_answered_before_a_key_was_withdrawn_is_kept(
    asking: Tree, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    withdrawn = [Reply(text="ok")] * 50 + [Reply(status=401)]
    with OpenAIServer(*withdrawn) as server:
        monkeypatch.setenv("LLM_URL", server.url)
        assert asking.tetrad("eval", "evals/feedback") == ExitCode.MISUSE
    with OpenAIServer(Reply(text="ok")) as server:
        monkeypatch.setenv("LLM_URL", server.url)
        assert asking.tetrad("eval", "evals/feedback") == ExitCode.PASSED

    # 50 were answered; of those, the ones on their way when the key is refused may get lost
    assert len(server.asked) <= 150 + OpenAIEngine(model="m").concurrency


def test_an_endpoint_that_is_not_there_is_said_to_be_given_up_and_no_call_was_made(
    asking: Tree, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LLM_URL", f"{nowhere()}/v1")

    assert asking.tetrad("eval", "evals/feedback") == ExitCode.INCONCLUSIVE

    said = capsys.readouterr()
    assert "given up after several tries: the connection failed" in said.out
    assert "requests wait until one is answered again" in said.err
    assert "given up, the rest of the cases has no result" in said.err
    assert "0 calls made" in said.err


def test_calls_are_counted_as_they_are_sent(
    asking: Tree, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    seen: set[str] = set()

    def answer(asked: Asked) -> Reply:
        messages: Sequence[Mapping[str, str]] = asked.body["messages"]
        review = messages[-1]["content"]
        if "review 7" in review and review not in seen:
            seen.add(review)
            return Reply(status=500)
        return Reply(text="ok")

    with OpenAIServer(answer=answer) as server:
        monkeypatch.setenv("LLM_URL", server.url)
        assert asking.tetrad("eval", "evals/feedback") == ExitCode.PASSED

    assert len(server.asked) > 200
    assert f"{len(server.asked)} calls made" in capsys.readouterr().err
