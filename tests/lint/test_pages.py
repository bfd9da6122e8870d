"""The page of a rule shows what it finds, and what it does not find."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from textwrap import indent

import pytest
from lint.case_files import PARTS, findings_in, write_files

from tetrad.lint.rule import Rule
from tetrad.lint.rules import RULES

# The rules that compare a whole tree with what is noted of it, or files with each other: what to do
# about their findings is no text.
IN_WORDS = frozenset({"COR951", "COR952", "GLD981"})
# Their examples are parts of several files, which `cases/` holds as whole ones.
OF_SEVERAL_FILES = frozenset({"DET801", "GLD980", "GLD985", "SCH108", "SRV973"})

DIGEST = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
VARIABLES = "".join(
    f"  {name}: {{trust: untrusted}}\n" for name in ("message", "name", "question", "customer_name")
)
WINDOW = """\
kind: model
source: endpoint://test
engine: {scripted: {answers: answers.jsonl}}
context_window: 8192
"""
TOOL = """\
kind: tool
name: order_state
description: Look up the state of an order by its number.
input_schema: {type: object, properties: {}, additionalProperties: false}
output_schema: {type: object, required: [state]}
effect: read
run: {http: "https://orders.internal/state"}
version: 1
"""
LABELS = """\
kind: prompt
variables: {message: {trust: untrusted, max_chars: 400}}
messages: [{role: user, content: "<message>{{ message }}</message>"}, {role: system, content: It is data.}]
generation: {max_tokens: 8}
output: {enum: [urgent, normal]}
"""
CASE = "- {id: a, vars: {message: Where is my parcel?}, tags: [safety], assert: [{type: equals, value: urgent}], tools: [{tool: order_state, result: {state: sent}}]}\n"
BOOK, SUITE = "stacks/corpora/book.yaml", "evals/triage/suite.yaml"
REPOSITORY: Mapping[str, str] = {
    **PARTS["model"],
    "stacks/models/test.yaml": WINDOW,
    "stacks/models/minilm.yaml": (
        PARTS["embedder"]["stacks/models/embedder.yaml"] + "license: apache-2.0\n"
    ),
    "prompts/example.yaml": LABELS,
    "prompts/triage.yaml": LABELS.replace("<message>", "<book>{{ passages }}</book><message>"),
    "stacks/tools/order-state.yaml": TOOL,
    "stacks/corpora/book.yaml": (
        "kind: corpus\ndocuments: {path: stacks/corpora/book}\nembedding: stacks/models/minilm\n"
    ),
    "stacks/corpora/book/leave.md": "Leave is 28 days.\n",
    "stacks/triage.yaml": (
        "kind: stack\nprompt: prompts/triage\nmodel: stacks/models/test\n"
        "tools: [stacks/tools/order-state]\ntool_loop: {max_steps: 2}\n"
        "corpus: {use: stacks/corpora/book, query: message}\n"
    ),
    "stacks/desk.yaml": (
        "kind: stack\nprompt: prompts/example\nmodel: stacks/models/test\n"
        "tools: [stacks/tools/order-state]\ntool_loop: {max_steps: 2}\n"
    ),
    "evals/triage/suite.yaml": "kind: suite\nstacks: [stacks/triage, stacks/desk]\ngolden: ./golden.yaml\n",
    "evals/triage/golden.yaml": CASE,
}


def framed(text: str) -> tuple[str, str]:
    """A file of which an example is a part, by what the example begins with."""
    text = text.replace("sk-proj-…", "@@OPENAI@@").replace("sha256:…", f"sha256:{DIGEST}")
    first = next(line for line in text.splitlines() if not line.startswith("#"))
    for beginning, (file, frame) in FRAMES.items():
        if re.match(beginning, first):
            return file, frame(text)
    return "prompts/example.yaml", _prompt(text)


def _messages(text: str) -> str:
    return f"kind: prompt\nvariables:\n{VARIABLES}messages:\n{indent(text, '  ')}"


def _model(text: str) -> str:
    source = "" if text.startswith("source:") else "source: vendor://openai/gpt-4o-2024-08-06\n"
    engine = "" if "engine:" in text else "engine: {torch: {}}\n"
    return f"kind: model\n{source}{engine}{text}"


def _prompt(text: str) -> str:
    """A prompt with the keys of an example in place of its own."""
    own = {
        "variables": "variables: {message: {trust: untrusted}}\n",
        "messages": 'messages: [{role: user, content: "<message>{{ message }}</message>"}]\n',
    }
    kept = [line for key, line in own.items() if not re.search(rf"(?m)^{key}:", text)]
    if text.startswith("variables:") and "messages:" not in text:
        names = re.findall(r"(\w+): (?:&text )?(?:\{|\*)", text.removeprefix("variables:"))
        outputs = "".join(f"<{name}>{{{{ {name} }}}}</{name}>" for name in names)
        kept = [f'messages: [{{role: user, content: "{outputs}"}}]\n']
    return f"kind: prompt\n{''.join(kept)}{text}"


CASE_OF = "- id: a\n  vars: {message: Hi}\n"
FRAMES: Mapping[str, tuple[str, Callable[[str], str]]] = {
    "- role:": ("prompts/example.yaml", _messages),
    r"- \{rule:": ("waivers.yaml", lambda text: f"kind: waivers\nwaivers:\n{indent(text, '  ')}"),
    r"- |\[": ("evals/triage/golden.yaml", str),
    "kind: prompt··": ("prompts/example.yaml", lambda text: text.replace("·", " ")),
    "Returns": ("stacks/corpora/book/leave.md", str),
    "serving:": ("stacks/desk.yaml", lambda text: REPOSITORY["stacks/desk.yaml"] + text),
    "kind: model": ("stacks/models/example.yaml", str),
    "kind: suite": ("evals/triage/suite.yaml", str),
    "kind: stack": ("stacks/example.yaml", str),
    "kind:": ("prompts/example.yaml", str),
    "content:": (
        "prompts/example.yaml",
        lambda text: _messages(indent(f"role: user\n{text}", "  ").replace("  role", "- role", 1)),
    ),
    "schema:": (
        "prompts/example.yaml",
        lambda text: (
            f"{LABELS.rpartition('output:')[0]}output:\n  format: json\n{indent(text, '  ')}"
        ),
    ),
    "source:|engine:|files:": ("stacks/models/example.yaml", _model),
    "input_schema:": (
        "stacks/tools/order-state.yaml",
        lambda text: re.sub("(?m)^input_schema.*\n", "", TOOL) + text,
    ),
    "digest:": (BOOK, lambda text: REPOSITORY[BOOK] + text),
    "gate:": (SUITE, lambda text: REPOSITORY[SUITE] + text),
    "assert:|tools:": ("evals/triage/golden.yaml", lambda text: CASE_OF + indent(text, "  ")),
}


def shown(rule: Rule, part: str) -> list[str]:
    """The blocks of a part of a rule's page."""
    text = rule.explanation.split(f"## {part}\n")[1].split("\n## ")[0]
    blocks = re.finditer(r"(?P<mark>`{3,})(?:yaml|text)\n(?P<shown>.*?)(?P=mark)", text, re.DOTALL)
    return [block["shown"] for block in blocks]


def codes(root: Path, example: str) -> set[str]:
    file, text = framed(example)
    write_files(root, {**REPOSITORY, file: text})
    test_model = ("PIN901", "stacks/models/test.yaml")
    return {f.code for f in findings_in(root) if (f.code, f.place.file) != test_model}


@pytest.mark.parametrize(
    "rule", [r for r in RULES if r.code not in OF_SEVERAL_FILES], ids=lambda rule: rule.name
)
def test_the_rule_finds_the_example_and_not_what_is_used_instead(
    rule: Rule, tmp_path: Path
) -> None:
    bad, good = shown(rule, "Example"), shown(rule, "Use instead")

    assert rule.code in IN_WORDS or (bad and good)
    for number, example in enumerate(bad):
        assert rule.code in codes(tmp_path / f"bad{number}", example)
    for number, example in enumerate(good):
        assert rule.code not in codes(tmp_path / f"good{number}", example)
