"""`tetrad try` on a small repository whose engine is a script."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from fakes import OpenAIServer, Reply

from tetrad.cli import main
from tetrad.errors import ExitCode

FILES = {
    "prompts/desk.yaml": """\
kind: prompt
variables:
  message: {type: string, max_chars: 100}
  count: {type: integer, required: false, default: 1}
messages:
  - role: system
    content: Order desk.
  - role: user
    content: "{{ message }} ({{ count }})"
""",
    "stacks/models/script.yaml": """\
kind: model
source: endpoint://script
engine: {scripted: {answers: ./answers.yaml}}
""",
    "stacks/models/answers.yaml": """\
- {contains: unheard, output: "Ask \\e[31mred\\e[0m.\\n::error::[bold]no[/bold]\\u202e"}
- {contains: result, output: It was sent.}
- contains: "Where"
  output: ""
  tool_calls: [{name: order_status, arguments: {order_id: A-1234}}]
""",
    "stacks/tools/order-status.yaml": """\
kind: tool
name: order_status
description: Look up the state of an order by its id.
input_schema:
  type: object
  properties: {order_id: {type: string}}
  required: [order_id]
  additionalProperties: false
effect: read
run: {python: "stacks.tools.status:status"}
version: 1
""",
    "stacks/tools/status.py": "def status(order_id):\n    return {'state': 'sent'}\n",
    "stacks/desk.yaml": """\
kind: stack
prompt: prompts/desk
model: stacks/models/script
tools: [stacks/tools/order-status]
""",
}


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tmp_path / "repository"
    for name, text in FILES.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    monkeypatch.setenv("TETRAD_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("COLUMNS", "90")
    monkeypatch.chdir(root)
    return root


@pytest.mark.usefixtures("repository")
def test_try_shows_how_an_answer_came_about(capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["try", "desk", "message=Where is A-1234?"])

    shown = capsys.readouterr().out
    assert code == ExitCode.PASSED
    for part in (
        "desk", "on scripted", "Order desk.", "Where is A-1234? (1)",
        'order_status {"order_id": "A-1234"}', '{"state": "sent"}', "It was sent.", "tokens in",
    ):  # fmt: skip
        assert part in shown


@pytest.mark.usefixtures("repository")
def test_what_a_model_says_is_inert_on_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    main(["try", "desk", "message=unheard of"])

    shown = capsys.readouterr().out
    assert "Ask red." in shown
    assert "[bold]no[/bold]<U+202E>" in shown
    assert not any(line.lstrip(" │").startswith("::") for line in shown.splitlines())
    assert "\x1b" not in shown


@pytest.mark.usefixtures("repository")
def test_the_trace_is_printed_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    main(["try", "desk", "message=Where is A-1234?", "count=2", "--format", "json"])

    trace = json.loads(capsys.readouterr().out)
    assert trace["output"] == "It was sent."
    assert trace["vars"] == {"message": "Where is A-1234?", "count": 2}
    assert [step["type"] for step in trace["steps"]] == ["generated", "called", "generated"]


@pytest.mark.usefixtures("repository")
def test_an_engine_without_an_answer_is_inconclusive(capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["try", "desk", "message=Nothing matches"])

    assert code == ExitCode.INCONCLUSIVE
    assert "no answer" in capsys.readouterr().out


MISUSES = [
    (["desk"], "desk needs message\n  help: tetrad try desk message='…' [count='…']\n"),
    (["desk", "mesage=a"], "desk takes no variable 'mesage'\n  help: did you mean message?\n"),
    (["desk", "xyz=a"], "desk takes no variable 'xyz'\n  help: tetrad try desk message='…' [count='…']\n"),
    (["desk", "hello"], "'hello' is not NAME=VALUE\n  help: tetrad try desk message='…' [count='…']\n"),
    (["desk", "message=a", "message=b"], "message is given twice\n"),
    (["desk", "message=a", "count=two"],
     "the request does not fit prompts/desk\n  count: must be a whole number, not a text\n"),
    (["desk", f"message={'a' * 101}"],
     "the request does not fit prompts/desk\n  message: must have at most 100 characters, not 101\n"),
    (["dsk"], "there is nothing named 'dsk'\n  help: did you mean desk?\n"),
]  # fmt: skip


@pytest.mark.usefixtures("repository")
@pytest.mark.parametrize(("arguments", "message"), MISUSES)
def test_misuse_is_explained_in_one_message(
    capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    code = main(["try", *arguments])

    said = capsys.readouterr()
    assert code == ExitCode.MISUSE
    assert (said.out, said.err) == ("", message)


@pytest.mark.model
def test_passages_fit_a_narrow_screen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    here = Path(__file__).parents[2] / "stacks/models/minilm-l6-v2.yaml"
    files = {
        "prompts/qa.yaml": "kind: prompt\n"
        "variables: {question: {type: string}, passages: {type: array}}\n"
        "messages: [{role: user, content: '{{ passages }} {{ question }}'}]\n",
        "stacks/models/script.yaml": FILES["stacks/models/script.yaml"],
        "stacks/models/answers.yaml": "- {output: Thirty days.}\n",
        "stacks/models/minilm.yaml": here.read_text(),
        "stacks/corpora/help.yaml": "kind: corpus\ndocuments: {path: stacks/corpora/help}\n"
        "embedding: stacks/models/minilm\n",
        "stacks/corpora/help/returns.md": "Goods may be returned within thirty days. " * 5,
        "stacks/qa.yaml": "kind: stack\nprompt: prompts/qa\nmodel: stacks/models/script\n"
        "corpus: {use: stacks/corpora/help, query: question}\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.setenv("COLUMNS", "60")

    main(["-C", str(tmp_path), "try", "qa", "question=When?"])

    lines = capsys.readouterr().out.splitlines()
    assert "score  similarity  document    text" in [line.rstrip() for line in lines]
    assert any(line.split()[2:3] == ["returns.md"] and line.endswith("…") for line in lines)


def test_an_endpoints_first_token_is_timed(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (repository / "stacks/models/script.yaml").write_text(
        "kind: model\nsource: endpoint://team\n"
        "engine: {openai: {model: small, base_url_env: LLM_URL, api_key_env: LLM_KEY}}\n"
    )
    (repository / "stacks/models/answers.yaml").unlink()
    monkeypatch.setenv("LLM_KEY", "")
    with OpenAIServer(Reply(text="It was sent.")) as server:
        monkeypatch.setenv("LLM_URL", server.url)
        code = main(["try", "desk", "message=Hello"])

    assert code == ExitCode.PASSED
    assert re.search(r"3 out, \d+\.\d\d s \(the first after \d+\.\d\d s\)", capsys.readouterr().out)


def test_why_an_answer_is_empty_is_said(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (repository / "stacks/models/answers.yaml").unlink()
    (repository / "stacks/models/script.yaml").write_text(
        "kind: model\nsource: endpoint://small\n"
        "engine: {openai: {model: small, base_url_env: LLM_URL, api_key_env: null}}\n"
    )
    with OpenAIServer(Reply(finish_reason="length")) as server:
        monkeypatch.setenv("LLM_URL", server.url)
        assert main(["try", "desk", "message=Where is it?"]) == ExitCode.PASSED

    assert "! the model used its tokens before it answered" in capsys.readouterr().out
