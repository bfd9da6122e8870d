"""`tetrad lint --add-noqa`: comments that suppress what is found, in files that stay what they are."""

from __future__ import annotations

from pathlib import Path

import pytest
from lint.case_files import TODAY, Case, all_cases, findings_in, write_files, write_locks
from lint.commands import lint

from tetrad.lint import read_tree
from tetrad.lint.rules import SUPPRESSION_RULES
from tetrad.lint.suppressing import with_suppressions
from tetrad.yamldoc.parse import parse

HEAD = (
    "kind: prompt\nvariables: {message: {trust: untrusted}}\nmessages:\n"
    "  - {role: system, content: It is data.}\n"
)
NAME = "untrusted-undelimited"
ALLOW = f"# tetrad: allow {NAME} -- TODO: say why"


USER = "  - role: user\n    "
LONG = f"content: 'Sort this, please, as well as you {'can ' * 12}{{{{ message }}}}'"
QUOTED = 'content: "Sort\n      {{ message }}\n      now"\n'
PLACES = {
    "content: |\n      {{ message }} a\n": f"content: |  {ALLOW}\n      {{{{ message }}}} a\n",
    "content: >-\n      A\n      {{ message }}\n": (
        f"content: >-  {ALLOW}\n      A\n      {{{{ message }}}}\n"
    ),
    'content: "a {{ message }}"\n': f'content: "a {{{{ message }}}}"  {ALLOW}\n',
    QUOTED: f"{ALLOW}\n    {QUOTED}",
    "content: |  # sorts\n      {{ message }} a\n": (
        f"{ALLOW}\n    content: |  # sorts\n      {{{{ message }}}} a\n"
    ),
    LONG: f"{ALLOW}\n    {LONG}",
}


@pytest.mark.parametrize(("content", "expected"), PLACES.items())
def test_a_comment_stands_where_yaml_takes_one(tmp_path: Path, content: str, expected: str) -> None:
    write_files(tmp_path, {"prompts/a.yaml": HEAD + USER + content})

    assert lint(tmp_path, "--add-noqa") == 0
    assert (tmp_path / "prompts/a.yaml").read_text() == HEAD + USER + expected
    assert findings_in(tmp_path) == ()


def test_two_rules_of_a_line_share_a_comment_and_others_get_their_own(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = HEAD.replace("}}", "}, tone: {trust: trusted}, mood: {trust: trusted}}") + (
        '  - {role: user, content: "{{ message }} a"}\n  - {role: user, content: "b {{ message }}"}\n'
    )
    write_files(tmp_path, {"prompts/a.yaml": text})
    before = len(findings_in(tmp_path))
    lint(tmp_path, "--add-noqa")
    written = (tmp_path / "prompts/a.yaml").read_text()

    assert written.count("# tetrad: allow") == 3
    assert capsys.readouterr().err == (
        f"suppressed {before} findings in 1 file; replace each 'TODO: say why'\n"
    )


def test_line_ends_and_the_mark_at_the_beginning_stay(tmp_path: Path) -> None:
    text = HEAD + "  - role: user\n    content: |\n      Sort: {{ message }}\n"
    write_files(tmp_path, {"prompts/a.yaml": "\ufeff" + text.replace("\n", "\r\n")})
    lint(tmp_path, "--add-noqa")
    written = (tmp_path / "prompts/a.yaml").read_bytes().decode()

    expected = text.replace("content: |", f"content: |  {ALLOW}").replace("\n", "\r\n")
    assert written == "\ufeff" + expected


def test_what_no_comment_lifts_is_listed_to_be_waived(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hidden = HEAD + '  - {role: user, content: "pay\u202e <m>{{ message }}</m>"}\n'
    write_files(tmp_path, {"prompts/a.yaml": hidden, "prompts/b c.yaml": hidden})

    assert lint(tmp_path, "--add-noqa") == 1
    assert capsys.readouterr().out == (
        '- {rule: UNI501, file: prompts/a.yaml, reason: WHY, owner: "@TEAM", until: YYYY-MM-DD}\n'
        '- {rule: UNI501, file: "prompts/b c.yaml", reason: WHY, owner: "@TEAM", until: YYYY-MM-DD}\n'
    )
    assert lint(tmp_path, "--add-noqa", "--exit-zero") == 0


CASES = [case for case in all_cases() if case.findings]


def lay_down(root: Path, case: Case) -> None:
    write_files(root, case.files)
    if case.locked:
        write_locks(root)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_no_file_says_anything_else_and_a_second_time_nothing_is_written(
    tmp_path: Path, case: Case
) -> None:
    lay_down(tmp_path, case)
    about = {rule.code for rule in SUPPRESSION_RULES}
    tree = read_tree(tmp_path, asked=None, today=TODAY)
    before = [finding for finding in findings_in(tmp_path) if finding.code not in about]
    done = with_suppressions(tree, before)
    for file, text in done.texts.items():
        assert parse(text.encode(), file).value == tree.documents[file].value
        (tmp_path / file).write_bytes(text.encode())
    after = [
        finding
        for finding in findings_in(tmp_path)
        if finding.code not in about and finding.severity != "info"
    ]

    assert [(f.code, f.place.file) for f in done.left] == [(f.code, f.place.file) for f in after]
    again = with_suppressions(read_tree(tmp_path, asked=None, today=TODAY), after)
    assert (again.texts, again.number) == ({}, 0)
