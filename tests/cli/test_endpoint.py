"""What a run says and does where its endpoint fails: exit codes, messages, and requests that were sent."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest
from fakes import Asked, OpenAIServer, Reply, nowhere
from trees import Tree, initial_tree

from tetrad.errors import ExitCode

GOLDEN = "evals/feedback/golden.yaml"
CASES = 200
# As a terminal starts it, also where a shell runs these tests in the background.
INTERRUPTIBLE = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
from tetrad.cli import main
sys.exit(main())
"""


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
            for n in range(CASES)
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
    withdrawn = [Reply(text="ok")] * 40 + [Reply(text="ok", delay_s=1.5)] * 10 + [Reply(status=401)]
    with OpenAIServer(*withdrawn) as server:
        monkeypatch.setenv("LLM_URL", server.url)
        assert asking.tetrad("eval", "evals/feedback") == ExitCode.MISUSE
    with OpenAIServer(Reply(text="ok")) as server:
        monkeypatch.setenv("LLM_URL", server.url)
        assert asking.tetrad("eval", "evals/feedback") == ExitCode.PASSED

    assert len(server.asked) == 150  # those on their way when the key was refused are kept, too
    said = capsys.readouterr().err
    assert "waiting for the answers to requests that are sent; Ctrl-C stops at once\n" in said


def interruptible(tree: Tree, url: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", INTERRUPTIBLE, "--root", str(tree.root), "eval"],
        env={**os.environ, "LLM_URL": url},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_until(holds: Callable[[], bool]) -> None:
    while not holds():
        time.sleep(0.01)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_keeps_the_answers_that_are_on_their_way(
    how: signal.Signals, asking: Tree, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = OpenAIServer(Reply(text="ok"), Reply(text="ok", delay_s=1.5))
    with slow as server, interruptible(asking, server.url) as process:
        wait_until(lambda: server.most_in_flight > 4)
        process.send_signal(how)
        _, said = process.communicate()
    with OpenAIServer(Reply(text="ok")) as again:
        monkeypatch.setenv("LLM_URL", again.url)
        assert asking.tetrad("eval") == ExitCode.PASSED

    assert process.returncode == ExitCode.INTERRUPTED
    assert said.splitlines()[-2:] == [
        "waiting for the answers to requests that are sent; Ctrl-C stops at once",
        "interrupted; received answers are cached, and the next run continues from there",
    ]
    assert len(server.asked) + len(again.asked) == CASES


def test_a_second_interrupt_waits_for_nothing(asking: Tree) -> None:
    with OpenAIServer(Reply(text="ok"), Reply(text="ok", delay_s=15)) as server:
        with interruptible(asking, server.url) as process:
            wait_until(lambda: server.most_in_flight > 4)
            process.send_signal(signal.SIGINT)
            assert process.stderr is not None
            waiting = process.stderr.readline()
            process.send_signal(signal.SIGINT)
            said = process.stderr.read()

        assert "Ctrl-C stops at once" in waiting
        assert (
            said
            == "interrupted; received answers are cached, and the next run continues from there\n"
        )
        assert process.returncode == ExitCode.INTERRUPTED
        assert server.in_flight > 0  # and nobody waited for these


def test_an_endpoint_that_is_not_there_is_said_to_be_given_up_and_no_call_was_made(
    asking: Tree, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LLM_URL", f"{nowhere()}/v1")

    assert asking.tetrad("eval", "evals/feedback") == ExitCode.INCONCLUSIVE

    said = capsys.readouterr()
    assert "gave up after several attempts: the connection failed" in said.out
    assert "pausing requests until one succeeds" in said.err
    assert "giving up; the remaining cases have no result" in said.err
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
