"""Prompty and Dotprompt files: the same rules, at the places in the files themselves."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from checkouts import mark_checkout
from lint.case_files import PROMPT, write_files

from tetrad.cli import main

PROMPTY = """\
---
name: sort
inputs:
  message: {type: string}
---
system:
You sort messages.

user:
<message>
{{ message }}
</message>
"""
DOTPROMPT = """\
---
input:
  schema:
    message: string
    items(array): string
---
{{role "system"}}
You sort messages.
{{role "user"}}
<message>{{message}}</message>
<items>
{{#each items}}
- {{this}}
{{/each}}
</items>
"""


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout that knows nothing of Tetrad."""
    mark_checkout(tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def found(
    capsys: pytest.CaptureFixture[str], *arguments: str, code: int | None = None
) -> list[str]:
    """The findings of a run as `file:line:column CODE`."""
    capsys.readouterr()
    exit_code = main(["lint", *arguments])
    if code is not None:
        assert exit_code == code
    shown = capsys.readouterr()
    assert exit_code in {0, 1}, shown.err
    lines = [line for line in shown.out.splitlines() if ": error[" in line or ": warning[" in line]
    return [f"{line.split(': ')[0]} {line.split('[')[1][:6]}" for line in lines]


CASES: Mapping[str, tuple[str, str, list[str]]] = {
    "nothing is wrong": ("a.prompty", PROMPTY, []),
    "nothing is wrong in Handlebars": ("a.prompt", DOTPROMPT, []),
    "an output without delimiters": (
        "a.prompty",
        PROMPTY.replace("<message>\n", "Sort this:\n").replace("</message>\n", ""),
        ["a.prompty:11:1 INJ301"],
    ),
    "an output in the system message": (
        "a.prompty",
        PROMPTY.replace("sort messages", "sort {{ message }} of many"),
        ["a.prompty:7:10 INJ302"],
    ),
    "no role is the system's": (
        "a.prompty",
        "---\nname: a\n---\nYou sort {{ message }} of many.\n",
        ["a.prompty:4:1 TPL211", "a.prompty:4:10 INJ302"],
    ),
    "roles with attributes, hashes and capitals": (
        "a.prompty",
        '---\nname: a\n---\n# System:\nSort.\n  User[name="x"]:\nSort: {{ message }} well\n',
        ["a.prompty:7:7 INJ301"],
    ),
    "a word with a colon in a sentence is no role": (
        "a.prompty",
        "---\nname: a\n---\nsystem:\nSort.\n\nuser: of whom\n",
        [],
    ),
    "an undeclared variable": (
        "a.prompty",
        PROMPTY.replace("messages.", "messages for {{ custmer }}."),
        ["a.prompty:7:26 TPL202"],
    ),
    "a variable of which there is a sample": (
        "a.prompty",
        PROMPTY.replace("---\nsystem", "sample:\n  name: Ada\n---\nsystem").replace(
            "You sort", "{{ name }}, you sort"
        ),
        ["a.prompty:9:1 INJ302"],
    ),
    "a sample in a file of its own": (
        "a.prompty",
        "---\nsample: sample.json\n---\nuser:\n<m>{{ message }}</m>\n",
        [],
    ),
    "an unused variable, in each way to declare one": (
        "a.prompty",
        (
            "---\ninputSchema:\n  properties:\n    - name: a\n      kind: string\n"
            "inputs:\n  b: text\n---\nuser:\nSort.\n"
        ),
        ["a.prompty:4:13 TPL203", "a.prompty:7:3 TPL203"],
    ),
    "what a tool or a thread uses": (
        "a.prompty",
        (
            "---\ninputs:\n  - {name: unit, kind: string}\n  - {name: talk, kind: thread}\n"
            "tools:\n  - {name: x, bindings: {unit: unit}}\n---\nuser:\nHi.\n"
        ),
        [],
    ),
    "numbers carry no instructions": (
        "a.prompty",
        "---\ninputs:\n  n: {type: integer}\n  m: 3\n---\nsystem:\nWrite {{ n }} to {{ m }} lines.\n",
        [],
    ),
    "a loop around roles": (
        "a.prompty",
        (
            "---\ninputs:\n  history: {type: array}\n---\nsystem:\nTalk.\n"
            "{% for item in history %}\nuser:\nSaid: {{ item }} so\n{% endfor %}\nassistant:\nHm.\n"
        ),
        ["a.prompty:9:7 INJ301"],
    ),
    "a template that does not parse": (
        "a.prompty",
        PROMPTY.replace("{{ message }}", "{% if message %}"),
        ["a.prompty:11:1 TPL201"],
    ),
    "what only our runtime refuses": (
        "a.prompty",
        PROMPTY.replace("{{ message }}", "{{ message.strip() }}"),
        [],
    ),
    "an answer in JSON of no shape": (
        "a.prompty",
        PROMPTY.replace(
            "inputs:", "model: {parameters: {response_format: {type: json_object}}}\ninputs:"
        ),
        ["a.prompty:3:39 OUT701"],
    ),
    "an answer in JSON with its shape": (
        "a.prompty",
        PROMPTY.replace(
            "inputs:",
            "model: {parameters: {response_format: {type: json_object}}}\n"
            "outputs: {queue: {type: string}}\ninputs:",
        ),
        [],
    ),
    "Mustache": (
        "a.prompty",
        (
            "---\ninputs:\n  items: {type: array}\ntemplate: mustache\n---\nsystem:\nSort.\n\nuser:\n"
            "{{#items}}\nSort {{name}} well\n{{/items}}\n"
        ),
        ["a.prompty:11:6 INJ301"],
    ),
    "a hidden character": (
        "a.prompty",
        PROMPTY.replace("You sort", "You \u202esort"),
        ["a.prompty:7:5 UNI501"],
    ),
    "a key twice": (
        "a.prompty",
        PROMPTY.replace("name: sort", "name: sort\nname: other"),
        ["a.prompty:3:1 SCH102"],
    ),
    "no mapping": ("a.prompty", "---\n- a\n---\nuser:\nHi.\n", ["a.prompty:2:1 SCH104"]),
    "no text": ("a.prompty", "---\nname: a\n---\n", ["a.prompty:1:1 SCH104"]),
    "a character that is no text": ("a.prompty", "---\nname: a\n---\n\0", ["a.prompty:4:1 SCH101"]),
    "an item of a loop": (
        "a.prompt",
        DOTPROMPT.replace("<items>", "Items follow.").replace("</items>", "So much."),
        ["a.prompt:13:3 INJ301"],
    ),
    "a condition, a helper and whitespace control": (
        "a.prompt",
        (
            "---\ninput:\n  schema:\n    a: string\n    b: boolean\n    c?: string\n---\n"
            "{{#if b}}Yes: {{~a~}} so{{else if c}}C: {{{c}}} so{{else}}None.{{/if}}\n"
            "{{upper a}} here, {{json a}}\n"
        ),
        ["a.prompt:8:15 INJ301", "a.prompt:8:41 INJ301"],
    ),
    "an undeclared variable in Handlebars": (
        "a.prompt",
        DOTPROMPT.replace("You sort", "You {{verb}}"),
        ["a.prompt:8:7 TPL202"],
    ),
    "an open schema, and none": (
        "a.prompt",
        "---\ninput:\n  schema:\n    (*): any\n---\n<a>{{x}}</a>\n",
        [],
    ),
    "Picoschema": (
        "a.prompt",
        (
            "---\ninput:\n  schema:\n    n: integer, how many\n    mood(enum): [good, bad]\n"
            "    who(object, them): {name: string}\n---\n"
            '{{role "system"}}\nWrite {{n}} {{mood}} lines on {{who.name}} now.\n'
        ),
        ["a.prompt:8:1 TPL211", "a.prompt:9:31 INJ302"],
    ),
    "a partial may use anything": (
        "a.prompt",
        DOTPROMPT.replace("<message>{{message}}</message>", "{{>card}}"),
        [],
    ),
    "a licence before the front matter": (
        "a.prompt",
        "# Copyright\n#\n# Licence\n\n---\ninput: {schema: {a: string}}\n---\nSay {{a}} so.\n",
        ["a.prompt:8:5 INJ301"],
    ),
    "all that is given, and a helper in a condition": (
        "a.prompt",
        (
            "---\ninput: {schema: {a: string, n: integer}}\n---\n"
            "{{json this}}{{#if (gt n 5)}}Many.{{/if}}{{#if (eq @index 0)}}None.{{/if}}\n"
        ),
        [],
    ),
    "partials with a body": (
        "a.prompt",
        DOTPROMPT + '{{#> thanks}}\nThanks.\n{{/thanks}}\n{{#*inline "x"}}X{{/inline}}\n',
        [],
    ),
    "text that is a tag in Jinja2 alone": ("a.prompt", "Write {% if %} and {# this.\n", []),
    "an escaped tag and comments": (
        "a.prompt",
        "Write \\{{name}} {{! not {{this}} {{!-- nor }} this --}}.\n",
        [],
    ),
    "a block that is not closed": (
        "a.prompt",
        DOTPROMPT.replace("{{/each}}", ""),
        ["a.prompt:12:1 TPL201"],
    ),
    "a block that is not open": (
        "a.prompt",
        DOTPROMPT.replace("{{/each}}", "{{/if}}"),
        ["a.prompt:14:1 TPL201"],
    ),
    "a tag that is not closed": (
        "a.prompt",
        DOTPROMPT.replace("- {{this}}", "- {{this"),
        ["a.prompt:13:3 TPL201"],
    ),
    "a format without a schema": (
        "a.prompt",
        "---\noutput: {format: json}\n---\nSort.\n",
        ["a.prompt:2:18 OUT701"],
    ),
    "a format with a schema": (
        "a.prompt",
        "---\noutput:\n  format: json\n  schema:\n    queue?: string, where to\n---\nSort.\n",
        [],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_what_is_found_lies_in_the_file_itself(
    root: Path, capsys: pytest.CaptureFixture[str], case: str
) -> None:
    name, text, expected = CASES[case]
    write_files(root, {name: text})

    assert found(capsys, name) == expected


@pytest.mark.parametrize("case", CASES)
def test_line_ends_and_the_mark_at_the_beginning_move_nothing(
    root: Path, capsys: pytest.CaptureFixture[str], case: str
) -> None:
    name, text, expected = CASES[case]
    write_files(root, {name: "\ufeff" + text.replace("\n", "\r\n")})

    assert [one for one in found(capsys, name) if "UNI505" not in one] == expected


def test_folders_are_searched_and_other_files_left_alone(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = PROMPTY.replace("<message>\n", "Sort this:\n").replace("</message>\n", "")
    files = {
        "app/prompts/a.prompty": bad,
        "prompts/b.prompty": bad,
        "prompts/settings.yaml": "theme: dark\n",
        "node_modules/x/c.prompty": bad,
        ".hidden/d.prompty": bad,
    }
    write_files(root, files)

    both = ["app/prompts/a.prompty:10:1 INJ301", "prompts/b.prompty:10:1 INJ301"]
    assert found(capsys, ".", code=0) == [one.replace(":10:", ":11:") for one in both]
    assert found(capsys, "app") == ["app/prompts/a.prompty:11:1 INJ301"]


def test_a_repository_of_ours_shows_both(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    unused = PROMPT.replace("  message:", "  tone: {type: string, trust: trusted}\n  message:")
    bad = PROMPTY.replace("<message>\n", "Sort this:\n").replace("</message>\n", "")
    write_files(root, {"prompts/a.yaml": unused, "prompts/b.prompty": bad})
    ours = [one for one in found(capsys) if "TPL203" in one]

    assert len(ours) == 1
    assert found(capsys, "prompts") == [*found(capsys), "prompts/b.prompty:11:1 INJ301"]
    assert found(capsys, ".") == found(capsys, "prompts")


def test_a_file_of_any_name_can_be_prompty(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_files(root, {"a.md": PROMPTY.replace("<message>", "Sort:").replace("</message>", "")})

    assert found(capsys, "--prompty", "a.md") == ["a.md:11:1 INJ301"]
    assert main(["lint", "--prompty", "."]) == 2
    assert main(["lint", "--prompty", "none.md"]) == 2


def test_a_repository_without_any_prompt_is_misuse(root: Path) -> None:
    assert main(["lint"]) == 2
    assert main(["lint", "."]) == 2


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        (
            "a.prompty",
            "---\nname: a\n---\nuser:\nSort this message.\n\n{{ message }}\n",
            "---\nname: a\n---\nuser:\nSort this message.\n\n<message>{{ message }}</message>\n",
        ),
        ("a.prompt", "Sort:\n{{message}}\n", "Sort:\n<message>{{message}}</message>\n"),
        ("a.prompt", "Sort:\n{{{message}}}\n", None),
        ("a.prompt", "Sort:\n{{~message}}\n", None),
        ("a.prompty", "---\ninputs: {a: text}\n---\nuser:\n<a>{{ a }} {{ other }}</a>\n", None),
        (
            "a.prompty",
            "---\nname: \u200ba\n---\nuser:\nHi\u200b.\n",
            "---\nname: a\n---\nuser:\nHi.\n",
        ),
    ],
)
def test_fixes_are_made_in_the_file_or_not_offered(
    root: Path, capsys: pytest.CaptureFixture[str], name: str, before: str, after: str | None
) -> None:
    write_files(root, {name: before})
    main(["lint", name, "--fix", "--unsafe-fixes"])

    assert (root / name).read_text(encoding="utf-8") == (after or before)
    assert ("fix:" in capsys.readouterr().out) == (before == after)


def test_a_comment_in_the_front_matter_speaks_of_the_whole_file(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = PROMPTY.replace("<message>", "Sort:").replace("</message>", "{{ tone }}")
    write_files(root, {"a.prompty": bad, "b.prompt": "Sort: {{ message }} well\n"})

    assert main(["lint", "a.prompty", "b.prompt", "--add-noqa", "--exit-zero"]) == 0
    comment = "# tetrad: allow untrusted-undelimited, undefined-variable -- TODO: say why\n"
    assert (root / "a.prompty").read_text() == bad.replace("---\nname", f"---\n{comment}name")
    assert "rule: INJ301, file: b.prompt," in capsys.readouterr().out
    assert found(capsys, "a.prompty") == []
    (root / "a.prompty").write_text(PROMPTY.replace("---\nname", f"---\n{comment}name"))
    assert found(capsys, "a.prompty") == ["a.prompty:2:1 NOQ001"] * 2


def test_settings_and_waivers_of_the_repository_count(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = PROMPTY.replace("<message>", "Sort:").replace("</message>", "")
    write_files(root, {"a.prompty": bad, "b/c.prompty": bad.replace("You", "You \u202e")})
    settings = '[tool.tetrad.lint.per-file-ignores]\n"b/*" = ["INJ"]\n'
    waiver = '{rule: UNI501, file: b/c.prompty, reason: Ours., owner: "@us", until: "2999-01-01"}'
    write_files(
        root,
        {"pyproject.toml": settings, "waivers.yaml": f"kind: waivers\nwaivers:\n  - {waiver}\n"},
    )

    assert found(capsys, ".") == ["a.prompty:11:1 INJ301"]
    write_files(root, {"pyproject.toml": "[tool.tetrad.lint]\nselct = []\n"})
    assert "pyproject.toml:2:1 SCH104" in found(capsys, "a.prompty", code=1)


WORDS: Mapping[str, tuple[str, str, str]] = {
    "a Prompty file that asks for JSON": (
        "a.prompty",
        PROMPTY.replace("You sort messages.", "Return a JSON object with the queue."),
        "add outputs: with the keys of the answer, or a response_format: under model.parameters",
    ),
    "a Dotprompt file that asks for JSON": (
        "a.prompt",
        DOTPROMPT.replace("You sort messages.", "Return a JSON object with the queue."),
        "add output: {format: json, schema: …} with the keys of the answer",
    ),
    "a Prompty file with an undeclared variable": (
        "a.prompty",
        PROMPTY.replace("You sort", "You, {{ agent }}, sort"),
        "declare it under inputs: in a.prompty",
    ),
    "a Dotprompt file with an undeclared variable": (
        "a.prompt",
        DOTPROMPT.replace("You sort", "You, {{agent}}, sort"),
        "declare it in the schema of input: in a.prompt",
    ),
}


@pytest.mark.parametrize("case", WORDS)
def test_help_names_keys_of_the_file_s_own_format(
    case: str, root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name, text, help_ = WORDS[case]
    write_files(root, {name: text})
    main(["lint", name])

    assert f"help: {help_}" in " ".join(capsys.readouterr().out.split())
