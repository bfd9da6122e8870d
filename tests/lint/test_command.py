"""`tetrad lint` and `tetrad explain` as a person calls them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from lint.case_files import MODEL, PARTS, PROMPT, write_files
from lint.commands import lint

from tetrad.cli import main
from tetrad.lint.rules import RULES

WARNING = {
    "prompts/a.yaml": PROMPT.replace(
        "  message:", "  tone: {type: string, trust: trusted}\n  message:"
    )
}
ERROR = {"prompts/b.yaml": PROMPT.replace("<message>", "Sort:").replace("</message>", "")}
STACK: Mapping[str, str] = {**PARTS["prompt"], **PARTS["model"], **PARTS["stack"]}


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    return tmp_path


def test_errors_refuse_and_warnings_do_not(root: Path) -> None:
    write_files(root, WARNING)
    assert lint(root) == 0

    write_files(root, ERROR)
    assert lint(root) == 1


def test_a_file_that_does_not_load_is_a_finding(root: Path) -> None:
    write_files(root, {"prompts/a.yaml": "kind: [\n"})

    assert lint(root) == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ["--select", "XYZ"],
        ["--ignore", "undefined-varible"],
        ["no-such-file.yaml"],
        ["/etc/hostname"],
        ["--unsafe-fixes"],
    ],
)
def test_misuse_is_told_apart_from_findings(root: Path, arguments: list[str]) -> None:
    write_files(root, ERROR)

    assert lint(root, *arguments) == 2


def test_a_selector_that_is_misspelt_is_answered_with_the_nearest(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_files(root, ERROR)
    lint(root, "--select", "undefined-varible")

    assert "did you mean undefined-variable?" in capsys.readouterr().err


def test_a_reference_is_answered_with_its_file(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_files(root, STACK)

    assert lint(root, "prompts/sort") == 2
    assert capsys.readouterr().err == (
        "there is no file prompts/sort\n  help: did you mean prompts/sort.yaml?\n"
    )


def found(root: Path, capsys: pytest.CaptureFixture[str], *arguments: str) -> list[str]:
    capsys.readouterr()
    lint(root, "--format", "json", *arguments)
    return [finding["code"] for finding in json.loads(capsys.readouterr().out)]


def test_files_and_folders_show_only_what_lies_in_them(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_files(root, {**WARNING, **ERROR, "stacks/models/m.yaml": MODEL.replace("answers.", "x.")})

    assert found(root, capsys, "prompts/a.yaml") == ["TPL203"]
    assert found(root, capsys, "prompts") == ["TPL203", "INJ301"]
    assert found(root, capsys, "prompts", "stacks/models/m.yaml") == found(root, capsys, ".")
    assert found(root, capsys) == ["TPL203", "INJ301", "PIN901", "SCH107"]


def test_a_text_is_judged_with_the_prompts_that_include_it(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    prompt = PROMPT.replace("{{ message }}", '{% include "one.md" %}')
    one, two = "{% include 'parts/two.md' %}", "{{ message }} {{ mesage }}"
    files = {"prompts/a.yaml": prompt, "prompts/one.md": one, "prompts/parts/two.md": two}
    write_files(root, files)

    assert found(root, capsys, "prompts/parts/two.md") == ["TPL202"]


def test_one_file_is_judged_with_what_uses_it(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    prompt = PROMPT.replace("{{ message }}", "{{ passages }} {{ message }}")
    corpus = (
        "kind: corpus\ndocuments: {path: stacks/corpora/book}\nembedding: stacks/models/embedder\n"
    )
    files = {
        **STACK,
        **PARTS["embedder"],
        "prompts/sort.yaml": prompt,
        "stacks/sort.yaml": f"{STACK['stacks/sort.yaml']}corpus: {{use: stacks/corpora/book, query: message}}\n",
        "stacks/corpora/book.yaml": corpus,
        "stacks/corpora/book/a.md": "Text.",
    }
    write_files(root, files)
    assert found(root, capsys, "prompts/sort.yaml") == []

    write_files(root, {"stacks/sort.yaml": STACK["stacks/sort.yaml"]})
    assert found(root, capsys, "prompts/sort.yaml") == ["TPL202"]


def test_a_golden_set_is_judged_with_its_suite(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    golden = '- {id: a, vars: {message: hi}, assert: [{type: contains, value: ""}]}\n'
    write_files(root, {**STACK, **PARTS["suite"], "evals/sort/golden.yaml": golden})

    assert found(root, capsys, "evals/sort/golden.yaml") == ["GLD983"]


@pytest.mark.parametrize(
    ("arguments", "codes"),
    [
        (["--select", "TPL"], ["TPL203"]),
        (["--select", "unused-variable"], ["TPL203"]),
        (["--select", "INJ3,TPL2"], ["TPL203", "INJ301"]),
        (["--ignore", "TPL"], ["INJ301"]),
        (["--select", "INJ,TPL", "--ignore", "TPL203"], ["INJ301"]),
        (["--select", "INJ301", "--ignore", "INJ"], ["INJ301"]),
    ],
)
def test_the_longest_selector_decides(
    root: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], codes: list[str]
) -> None:
    write_files(root, {**WARNING, **ERROR})

    assert found(root, capsys, *arguments) == codes


def test_settings_ignore_rules_but_no_sealed_ones(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    system = PROMPT.replace("role: user", "role: system")
    settings = '[lint]\nignore = ["INJ", "TPL"]\n'
    write_files(root, {**WARNING, **ERROR, "prompts/c.yaml": system, "tetrad.toml": settings})

    assert found(root, capsys) == ["INJ302"]


def test_fix_mends_what_is_safe_and_keeps_the_rest(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_files(root, {**WARNING, **ERROR})
    before = (root / "prompts/b.yaml").read_text()

    assert lint(root, "--fix") == 1
    assert (root / "prompts/a.yaml").read_text() == PROMPT
    assert (root / "prompts/b.yaml").read_text() == before
    assert "fixed prompts/a.yaml" in capsys.readouterr().err


def test_unsafe_fixes_are_asked_for(root: Path) -> None:
    hidden = 'kind: prompt\nmessages:\n  - {role: user, content: "pay\u202eyap: \u200b{{ x }}"}\n'
    write_files(root, {"prompts/a.yaml": hidden})
    assert lint(root, "--fix") == 1
    assert (root / "prompts/a.yaml").read_text(encoding="utf-8") == hidden

    assert lint(root, "--fix", "--unsafe-fixes") == 0
    fixed = (root / "prompts/a.yaml").read_text(encoding="utf-8")
    assert "variables:\n  x: {type: string, trust: untrusted}\n" in fixed
    assert 'content: "payyap: <x>{{ x }}</x>"' in fixed


def test_diff_shows_and_writes_nothing(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_files(root, WARNING)

    assert lint(root, "--diff") == 0
    assert "-  tone: {type: string, trust: trusted}\n" in capsys.readouterr().out
    assert (root / "prompts/a.yaml").read_text() == WARNING["prompts/a.yaml"]


def test_fix_writes_a_missing_lock_which_then_is_fresh(root: Path) -> None:
    write_files(root, STACK)
    assert lint(root) == 1

    assert lint(root, "--fix") == 0
    assert (root / "stacks/sort.lock").is_file()


def test_a_fix_keeps_comments_line_ends_and_the_mark_at_the_beginning(root: Path) -> None:
    text = "\ufeff" + WARNING["prompts/a.yaml"].replace("\n", "\r\n") + "# a comment\r\n"
    write_files(root, {"prompts/a.yaml": text})
    lint(root, "--fix")

    expected = text.replace("  tone: {type: string, trust: trusted}\r\n", "")
    assert (root / "prompts/a.yaml").read_bytes().decode() == expected


def test_explain_prints_a_page_by_code_by_name_and_all(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "INJ301"]) == 0
    by_code = capsys.readouterr().out
    main(["explain", "untrusted-undelimited"])
    assert capsys.readouterr().out == by_code
    assert "# INJ301: untrusted-undelimited" in by_code

    main(["explain"])
    listed = capsys.readouterr().out
    assert all(rule.code in listed and rule.name in listed for rule in RULES)


def test_explain_suggests_the_nearest_rule(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "untrusted-undelimeted"]) == 2
    assert "did you mean untrusted-undelimited?" in capsys.readouterr().err


PROBE = """\
import sys
from tetrad.cli import main
main(["-C", sys.argv[1], "lint", sys.argv[2]])
print(*sorted(sys.modules), file=sys.stderr)
"""
HEAVY = {
    *("numpy", "scipy", "httpx2", "httpx", "rich", "torch", "transformers", "pytest", "sqlite3"),
    *("pygls", "lsprotocol", "asyncio"),
}
# What is needed for other files, for writing, and for editors.
ELSEWHERE = (
    "tetrad.lint.foreign.",
    "tetrad.lint.edited",
    "tetrad.lint.suppressing",
    "tetrad.cli.l",
)


def test_linting_one_file_loads_nothing_heavy(root: Path) -> None:
    write_files(root, STACK)
    done = subprocess.run(
        [sys.executable, "-c", PROBE, str(root), "prompts/sort.yaml"],
        capture_output=True,
        text=True,
        check=True,
    )
    modules = done.stderr.split()
    loaded = {name.partition(".")[0] for name in modules}
    ours = {"tetrad.cli.lint", "tetrad.cli.linting"}

    assert set() == loaded & HEAVY
    assert ours == {name for name in modules if name.startswith(ELSEWHERE)}
    assert "jinja2" not in loaded  # the template does nothing but write a variable


def test_a_step_summary_holds_everything_and_nothing_ends_its_fence(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hostile = PROMPT.replace("<message>", "````</details>").replace("</message>", "")
    write_files(root, {"prompts/a.yaml": hostile})
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(root / "summary.md"))
    lint(root, "--format", "github")
    summary = (root / "summary.md").read_text()

    assert summary.startswith("```")
    assert "INJ301" in summary


def test_no_colour_where_the_output_is_no_terminal(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_files(root, ERROR)
    lint(root)

    assert "\x1b" not in capsys.readouterr().out


def test_fix_writes_filters_for_methods(root: Path) -> None:
    text = PROMPT.replace(
        "{{ message }}",
        "{{ m.get('a') }} {{ m.get('a', 'b')|upper }} {% for k in m.items() %}{% endfor %}"
        "{% for k in m.values() %}{{ k.splitlines() }}{% endfor %} {{ m.items()[0] }}",
    ).replace("  message:", "  m:")
    write_files(root, {"prompts/a.yaml": text})

    assert lint(root, "--fix") == 1  # of what goes on behind a call

    assert (root / "prompts/a.yaml").read_text() == (
        text.replace("m.get('a')", "m['a']|default")
        .replace("m.get('a', 'b')", "m['a']|default('b')")
        .replace("in m.items()", "in m|items")
        .replace("m.values()", "m|values")
        .replace("k.splitlines()", "k|lines")
    )
