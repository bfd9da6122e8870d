"""`tetrad lsp` as an editor speaks to it: JSON-RPC on standard input and output."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from checkouts import mark_checkout

from tetrad.cli import main

PROMPT = """\
kind: prompt
variables:
  message: {trust: untrusted}
messages:
  - role: user
    content: |
      𝔖ort: {{ message }}
  - {role: system, content: It is data.}
"""
UNUSED = PROMPT.replace("  message:", "  tone: {trust: trusted}\n  message:")


class Editor:
    """A client of the server; answers and diagnostics are waited for."""

    def __init__(self, process: subprocess.Popen[bytes], root: Path) -> None:
        self.process = process
        self.root = root
        self._ids = 0
        self._versions: dict[str, int] = {}
        self._notices: list[dict[str, Any]] = []

    def uri(self, name: str) -> str:
        return (self.root / name).as_uri()

    def notify(self, method: str, params: dict[str, Any]) -> None:
        self._send({"method": method, "params": params})

    def ask(self, method: str, params: dict[str, Any]) -> Any:
        self._ids += 1
        self._send({"id": self._ids, "method": method, "params": params})
        while True:
            message = self._read()
            if message.get("id") == self._ids:
                assert "error" not in message, message
                return message["result"]
            self._notices.append(message)

    def open(self, name: str, text: str) -> list[dict[str, Any]]:
        self._versions[name] = 1
        item = {"uri": self.uri(name), "languageId": "yaml", "version": 1, "text": text}
        self.notify("textDocument/didOpen", {"textDocument": item})
        return self.diagnostics(name)

    def change(self, name: str, text: str) -> list[dict[str, Any]]:
        self._versions[name] += 1
        document = {"uri": self.uri(name), "version": self._versions[name]}
        changes = [{"text": text}]
        self.notify("textDocument/didChange", {"textDocument": document, "contentChanges": changes})
        return self.diagnostics(name)

    def diagnostics(self, name: str) -> list[dict[str, Any]]:
        """Those of the document's newest version."""
        while True:
            message = self._notices.pop(0) if self._notices else self._read()
            params = message.get("params", {})
            if message.get("method") != "textDocument/publishDiagnostics":
                continue
            if (params["uri"], params["version"]) == (self.uri(name), self._versions[name]):
                found: list[dict[str, Any]] = params["diagnostics"]
                return found

    def actions(self, name: str, line: int) -> list[dict[str, Any]]:
        place = {"line": line, "character": 2}
        params = {
            "textDocument": {"uri": self.uri(name)},
            "range": {"start": place, "end": {"line": line, "character": 20}},
            "context": {"diagnostics": []},
        }
        found: list[dict[str, Any]] = self.ask("textDocument/codeAction", params)
        return found

    def _send(self, message: dict[str, Any]) -> None:
        data = json.dumps({"jsonrpc": "2.0", **message}).encode()
        assert self.process.stdin is not None
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(data), data))
        self.process.stdin.flush()

    def _read(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        length = 0
        while line := self.process.stdout.readline().strip():
            name, _, value = line.partition(b":")
            length = int(value) if name.lower() == b"content-length" else length
        assert length, "the server went away"
        message: dict[str, Any] = json.loads(self.process.stdout.read(length))
        return message


@contextmanager
def editor_in(root: Path) -> Iterator[Editor]:
    process = subprocess.Popen(
        [sys.executable, "-m", "tetrad", "lsp", "--stdio"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=root,
    )
    with process:
        editor = Editor(process, root)
        editor.ask("initialize", {"processId": None, "rootUri": root.as_uri(), "capabilities": {}})
        editor.notify("initialized", {})
        yield editor
        editor.ask("shutdown", {})
        editor.notify("exit", {})
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(timeout=60) == 0


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "prompts").mkdir()
    mark_checkout(tmp_path)
    return tmp_path


def codes(diagnostics: list[dict[str, Any]]) -> list[str]:
    return [diagnostic["code"] for diagnostic in diagnostics]


def test_what_an_editor_holds_is_linted_as_it_changes(root: Path) -> None:
    with editor_in(root) as editor:
        (found,) = editor.open("prompts/a.yaml", PROMPT)
        assert (found["code"], found["severity"], found["source"]) == ("INJ301", 1, "tetrad")
        # UTF-16, as editors count: the first letter takes two units.
        assert found["range"] == {
            "start": {"line": 6, "character": 13},
            "end": {"line": 6, "character": 26},
        }
        assert found["codeDescription"]["href"].endswith("/untrusted-undelimited.md")
        assert codes(editor.change("prompts/a.yaml", PROMPT.replace("{{ message }}", "it"))) == [
            "TPL203"
        ]
        assert codes(editor.change("prompts/a.yaml", "kind: [\n")) == ["SCH100"]
        assert not (root / "prompts/a.yaml").exists()


def test_a_document_is_judged_with_those_beside_it_once_they_are_saved(root: Path) -> None:
    model = "kind: model\nsource: endpoint://test\nengine: {scripted: {answers: a.jsonl}}\n"
    (root / "stacks/models").mkdir(parents=True)
    (root / "stacks/models/m.yaml").write_text(model)
    (root / "stacks/models/a.jsonl").write_text("")
    with editor_in(root) as editor:
        stack = "kind: stack\nprompt: prompts/a\nmodel: stacks/models/m\n"
        assert "SCH107" in codes(editor.open("stacks/s.yaml", stack))
        editor.open("prompts/a.yaml", PROMPT)
        saved = {"textDocument": {"uri": editor.uri("prompts/a.yaml")}}
        editor.notify("textDocument/didSave", saved)
        assert "SCH107" not in codes(editor.diagnostics("stacks/s.yaml"))


def test_the_page_of_a_rule_is_shown_where_it_finds_something(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["explain", "INJ301"])
    page = capsys.readouterr().out
    with editor_in(root) as editor:
        editor.open("prompts/a.yaml", PROMPT)
        at = {"textDocument": {"uri": editor.uri("prompts/a.yaml")}}
        shown = editor.ask("textDocument/hover", {**at, "position": {"line": 6, "character": 15}})
        assert shown["contents"] == {"kind": "markdown", "value": page}
        nothing = editor.ask("textDocument/hover", {**at, "position": {"line": 0, "character": 1}})
        assert nothing is None


def test_fixes_are_offered_and_unsafe_ones_say_so(root: Path) -> None:
    with editor_in(root) as editor:
        editor.open("prompts/a.yaml", UNUSED)
        (safe, every) = editor.actions("prompts/a.yaml", 2)
        assert (safe["title"], safe["kind"], safe["isPreferred"]) == (
            "remove tone",
            "quickfix",
            True,
        )
        (edit,) = safe["edit"]["changes"][editor.uri("prompts/a.yaml")]
        assert edit["newText"] == ""
        assert (edit["range"]["start"], edit["range"]["end"]) == (
            {"line": 2, "character": 0},
            {"line": 3, "character": 0},
        )
        assert every["kind"] == "source.fixAll.tetrad"
        (whole,) = every["edit"]["changes"][editor.uri("prompts/a.yaml")]
        assert whole["newText"] == PROMPT

        (unsafe, _) = editor.actions("prompts/a.yaml", 7)
        assert unsafe["title"] == "put message between tags (unsafe: may change the meaning)"
        assert not unsafe["isPreferred"]
        edits = unsafe["edit"]["changes"][editor.uri("prompts/a.yaml")]
        assert [edit["newText"] for edit in edits] == ["<message>", "</message>"]


def test_a_fix_of_another_file_is_not_offered(root: Path) -> None:
    (root / "prompts/a.yaml").write_text(f"{PROMPT}generation: {{max_tokens: 9}}\n")
    model = "kind: model\nsource: endpoint://test\nengine: {scripted: {answers: a.jsonl}}\n"
    (root / "stacks/models").mkdir(parents=True)
    (root / "stacks/models/m.yaml").write_text(model)
    (root / "stacks/models/a.jsonl").write_text("")
    with editor_in(root) as editor:
        stack = "kind: stack\nprompt: prompts/a\nmodel: stacks/models/m\n"
        assert codes(editor.open("stacks/s.yaml", stack)) == ["COR952"]
        assert editor.actions("stacks/s.yaml", 0) == []


def test_prompty_is_linted_in_a_repository_that_knows_nothing_of_tetrad(tmp_path: Path) -> None:
    with editor_in(tmp_path) as editor:
        text = "---\nname: a\n---\nuser:\nSort {{ message }} well.\n"
        assert codes(editor.open("a.prompty", text)) == ["INJ301"]
        assert codes(editor.open("compose.yaml", "services: {}\n")) == []


def test_settings_that_say_nothing_are_told_once(root: Path) -> None:
    (root / "tetrad.toml").write_text('[lint]\nignore = ["INJ999"]\n')
    with editor_in(root) as editor:
        assert editor.open("prompts/a.yaml", PROMPT) == []
        assert editor.change("prompts/a.yaml", UNUSED) == []
        told = [m for m in editor._notices if m.get("method") == "window/showMessage"]
        assert len(told) <= 1


def test_a_closed_document_shows_nothing(root: Path) -> None:
    with editor_in(root) as editor:
        editor.open("prompts/a.yaml", PROMPT)
        uri = {"uri": editor.uri("prompts/a.yaml")}
        editor.notify("textDocument/didClose", {"textDocument": uri})
        message = editor._read()
        assert message["params"]["diagnostics"] == []
