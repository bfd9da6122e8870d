"""With what earlier runs found out or without it, a command says the same, to the byte."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from trees import Tree

from tetrad.errors import ExitCode

MODEL = """\
kind: model
source: hf://a/b@1110a243fdf4706b3f48f1d95db1a4f5529b4d41
engine: {torch: {}}
context_window: 4000
license: mit
"""
TREE: Mapping[str, str] = {
    "stacks/models/m.yaml": MODEL,
    "stacks/models/end.yaml": "kind: model\nsource: endpoint://e\nengine: {scripted: {answers: a.jsonl}}\n",
    "stacks/models/a.jsonl": '{"contains": "", "output": "ok"}\n',
    "stacks/corpora/house.yaml": """\
kind: corpus
documents: {path: stacks/corpora/house}
chunking: {by: tokens, size: 100}
embedding: stacks/models/m
""",
    "stacks/corpora/house/rules.md": "The house opens at nine on every day but Sunday, ring twice.\n",
    "stacks/tools/clock.yaml": """\
kind: tool
name: now
description: Tells what time it is now.
input_schema: {type: object, additionalProperties: false}
effect: read
run: {python: "clock:now"}
""",
    "stacks/tools/clock.py": "def now():\n    return 1\n",
    "prompts/base.yaml": """\
kind: prompt
variables:
  message: {type: string, trust: untrusted, max_chars: 100}
messages:
  - {role: system, content: "file://base.md"}
  - {role: user, content: "<m>{{ message }}</m> <p>{{ passages }}</p>"}
examples: {from: ./examples.jsonl}
""",
    "prompts/base.md": "You answer.\n{% include 'tone.md' %}\n",
    "prompts/tone.md": "Be kind.\n",
    "prompts/examples.jsonl": '{"vars": {"message": "a"}, "output": "b"}\n',
    "prompts/more.yaml": "kind: prompt\nextends: prompts/base\ngeneration: {max_tokens: 8}\n",
    "prompts/alone.yaml": """\
kind: prompt
variables:
  message: {type: string, trust: untrusted, max_chars: 100}
messages:
  - {role: user, content: "<m>{{ message }}</m>"}
generation: {max_tokens: 8}
""",
    "stacks/s.yaml": """\
kind: stack
prompt: prompts/more
model: stacks/models/m
corpus: {use: stacks/corpora/house, query: message}
tools: [stacks/tools/clock]
""",
    "stacks/t.yaml": """\
kind: stack
prompt: prompts/alone
model: stacks/models/end
serving: {environments: [production]}
""",
    "evals/s/suite.yaml": "kind: suite\nstacks: [stacks/s]\ngolden: ./golden.yaml\n",
    "evals/s/golden.yaml": """\
- {id: a, vars: {message: "file://a.txt"}, assert: [{type: contains, value: nine}]}
""",
    "evals/s/a.txt": "When does it open?\n",
    "evals/t/suite.yaml": "kind: suite\nstacks: [stacks/t]\ngolden: ./golden.jsonl\n",
    "evals/t/golden.jsonl": """\
{"id": "a", "vars": {"message": "b"}, "assert": [{"type": "contains", "value": "c"}]}
""",
    "infra/environments/production.yaml": """\
kind: environment
target: local
requires: {evidence: {signers: [ci], suites: [evals/t]}}
signers: {ci: {ed25519: infra/keys/ci.pub, role: evaluator}}
""",
    "infra/keys/ci.pub": """\
-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEASvGu79a5VvHoH3vAGrIlRXK2VEddfEZDwYIxi+CDnBE=
-----END PUBLIC KEY-----
""",
    "waivers.yaml": """\
kind: waivers
waivers:
  - {rule: PIN901, file: stacks/models/end.yaml, reason: It waits., owner: "@us", until: "2999-01-01"}
""",
}
# What is written, over what was there; None removes a file.
EDITS: Mapping[str, Mapping[str, str | None]] = {
    "nothing": {},
    "a prompt": {"prompts/alone.yaml": TREE["prompts/alone.yaml"].replace("message", "text")},
    "a prompt's unused variable": {
        "prompts/alone.yaml": TREE["prompts/alone.yaml"].replace("messages:", "  x: {type: integer}\nmessages:")
    },
    "a text that a prompt names": {"prompts/base.md": "You answer {{ unknown }}.\n"},
    "a text that a text includes": {"prompts/tone.md": "Be {{ unknown }}.\n"},
    "a text that a text includes, with a credential": {"prompts/tone.md": "ghp_" + "aB3" * 12},
    "a text that a text includes, gone": {"prompts/tone.md": None},
    "a text that includes itself": {"prompts/tone.md": "{% include './tone.md' %}"},
    "a text with a credential": {"prompts/base.md": "ghp_" + "aB3" * 12},
    "a base that others extend": {
        "prompts/base.yaml": TREE["prompts/base.yaml"].replace("{{ message }}", "{{ mesage }}")
    },
    "examples": {"prompts/examples.jsonl": '{"vars": {"mesage": "a"}, "output": "b"}\n'},
    "an example that is a case": {
        "prompts/examples.jsonl": '{"vars": {"message": "When does it open?"}, "output": "b"}\n'
    },
    "a document": {"stacks/corpora/house/rules.md": "Closed.\n"},
    "a document more": {"stacks/corpora/house/more.md": "Open at last, and for good it seems.\n"},
    "a document less": {"stacks/corpora/house/rules.md": None},
    "a module": {"stacks/tools/clock.py": "def now():\n    return 2\n"},
    "a module elsewhere": {"stacks/tools/clock.py": None, "clock.py": "def now(): ...\n"},
    "a tool": {"stacks/tools/clock.yaml": TREE["stacks/tools/clock.yaml"].replace("now", "then")},
    "a model": {"stacks/models/m.yaml": MODEL.replace("@1110", "@main")},
    "a model's window": {"stacks/models/m.yaml": MODEL.replace("4000", "10")},
    "a model's answers": {"stacks/models/a.jsonl": '{"contains": "", "output": "no"}\n'},
    "a stack without its corpus": {
        "stacks/s.yaml": "kind: stack\nprompt: prompts/more\nmodel: stacks/models/m\n"
    },
    "a stack that is broken": {"stacks/s.yaml": TREE["stacks/s.yaml"] + "x: 1\n"},
    "a stack more": {"stacks/u.yaml": TREE["stacks/t.yaml"].replace("alone", "base")},
    "a stack less": {"stacks/t.yaml": None},
    "a lock": {"stacks/s.lock": "kind: lock\n"},
    "no lock": {"stacks/t.lock": None},
    "a case": {"evals/t/golden.jsonl": TREE["evals/t/golden.jsonl"].replace('"b"', "1")},
    "a case twice": {"evals/t/golden.jsonl": TREE["evals/t/golden.jsonl"] * 2},
    "a text that a case names": {"evals/s/a.txt": "The house opens at nine on every day.\n"},
    "no text that a case names": {"evals/s/a.txt": None},
    "a suite of another stack": {
        "evals/t/suite.yaml": TREE["evals/t/suite.yaml"].replace("stacks/t", "stacks/s")
    },
    "a suite that shares cases": {
        "evals/u/suite.yaml": "kind: suite\nstacks: [stacks/t]\ngolden: ../s/golden.yaml\n"
    },
    "a cluster": {"infra/environments/production.yaml": "kind: environment\ntarget: kubernetes\n"},
    "a stack in no cluster": {
        "infra/environments/production.yaml": "kind: environment\ntarget: kubernetes\n",
        "stacks/t.yaml": TREE["stacks/t.yaml"].replace("[production]", "[]"),
    },
    "a stack more that a required suite does not judge": {
        "stacks/s.yaml": TREE["stacks/s.yaml"] + "serving: {environments: [production]}\n"
    },
    "settings": {"tetrad.toml": '[lint]\nignore = ["PIN901", "COR952"]\n'},
    "settings that are none": {"tetrad.toml": '[lint]\nignore = ["NONE"]\n'},
    "no waiver": {"waivers.yaml": None},
    "a waiver of nothing": {
        "waivers.yaml": TREE["waivers.yaml"].replace("PIN901", "TPL203"),
    },
    "a waiver of a file that is not there": {
        "waivers.yaml": TREE["waivers.yaml"].replace("end.yaml", "ends.yaml"),
    },
    "a waiver that ended": {"waivers.yaml": TREE["waivers.yaml"].replace("2999", "2020")},
    "a waiver of a case": {
        "waivers.yaml": TREE["waivers.yaml"].replace(
            "rule: PIN901, file: stacks/models/end.yaml", 'case: "evals/t#b", accept: broken'
        )
    },
    "a suppression": {
        "prompts/alone.yaml": "# tetrad: allow unused-variable -- why\n" + TREE["prompts/alone.yaml"]
    },
    "a file that is no YAML": {"prompts/alone.yaml": "a: [\n"},
    "a file without a kind": {"prompts/data.yaml": "a: 1\n"},
    "two files of one name": {"prompts/alone.yml": TREE["prompts/alone.yaml"]},
}  # fmt: skip
COMMANDS = (
    ("lint",),
    ("lint", "--format", "json"),
    ("lint", "--select", "SCH,COR"),
    ("lock", "--check"),
)


@pytest.fixture
def tree(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Tree]:
    made = Tree(tmp_path / "repository")
    for path, text in TREE.items():
        made.write(path, text)
    made.tetrad("lock")
    yield made
    capsys.readouterr()


def apply(tree: Tree, edit: Mapping[str, str | None]) -> None:
    for path, text in edit.items():
        if text is None:
            (tree.root / path).unlink(missing_ok=True)
        else:
            tree.write(path, text)


def said(
    tree: Tree, command: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> tuple[int, str, str]:
    capsys.readouterr()
    code = tree.tetrad(*command)
    return code, *capsys.readouterr()


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS)
def test_what_is_kept_changes_nothing_that_is_said(
    edit: Mapping[str, str | None],
    tree: Tree,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for module in ("lint.known", "cli.locked"):  # a part is looked at, however large
        monkeypatch.setattr(f"tetrad.{module}._PART", 0)
    for command in COMMANDS:
        monkeypatch.setenv("TETRAD_CACHE", str(tmp_path / "kept"))
        tree.tetrad(*command)
        apply(tree, edit)
        edited = said(tree, command, capsys)
        again = said(tree, command, capsys)
        monkeypatch.setenv("TETRAD_CACHE", str(tmp_path / "-".join(command)))
        anew = said(tree, command, capsys)
        apply(tree, {path: TREE.get(path) for path in edit})
        tree.tetrad("lock")
        monkeypatch.setenv("TETRAD_CACHE", str(tmp_path / "kept"))
        restored = said(tree, command, capsys)

        assert (edited, again) == (anew, anew)
        assert restored[0] == ExitCode.PASSED


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS)
def test_a_plan_of_what_moved_is_that_of_all(
    edit: Mapping[str, str | None],
    tree: Tree,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("tetrad.evals.changed_files._PART", 0)
    monkeypatch.setenv("TETRAD_CACHE", str(tmp_path / "kept"))
    tree.git("init", "--quiet", "--initial-branch", "main")
    tree.commit()
    command = ("plan", "--base", "main", "--offline", "--format", "json")
    tree.tetrad(*command)
    apply(tree, edit)
    edited = said(tree, command, capsys)
    again = said(tree, command, capsys)
    monkeypatch.setenv("TETRAD_CACHE", str(tmp_path / "new"))

    anew = said(tree, command, capsys)

    assert (edited, again) == (anew, anew)


def kept_file(folder: Path) -> Path:
    (file,) = folder.rglob("*.lint.json")
    return file


@pytest.mark.parametrize("damage", ["cut", "flipped", "emptied", "of another version"])
def test_what_is_damaged_is_not_believed(
    damage: str,
    tree: Tree,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("TETRAD_CACHE", str(tmp_path / "kept"))
    before = said(tree, ("lint",), capsys)
    file = kept_file(tmp_path / "kept")
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    damaged = {
        "cut": file.read_bytes()[:-100],
        "flipped": bytes(data),
        "emptied": b"",
        "of another version": file.read_bytes().replace(b'"version":"', b'"version":"0', 1),
    }
    file.write_bytes(damaged[damage])

    assert said(tree, ("lint",), capsys) == before


def test_what_comes_with_a_commit_is_not_believed(
    tree: Tree, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    tree.git("init", "--quiet")
    monkeypatch.setattr("tetrad.lint.known._PART", 0)
    monkeypatch.setenv("TETRAD_CACHE", str(tree.root / ".cache"))
    tree.write("prompts/alone.yaml", TREE["prompts/alone.yaml"].replace("<m>", "").lower())
    with monkeypatch.context() as forged:
        forged.setattr("tetrad.lint.known.lint_tree", lambda *_: ())
        tree.tetrad("lint")
    believed = said(tree, ("lint",), capsys)

    tree.git("add", "--force", ".cache")

    assert believed[0] == ExitCode.PASSED
    assert said(tree, ("lint",), capsys)[0] == ExitCode.REFUSED
