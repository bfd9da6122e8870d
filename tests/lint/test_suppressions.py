"""What a comment or a waiver lifts, and what it does not."""

from __future__ import annotations

from pathlib import Path

import pytest
from lint.case_files import PROMPT, findings_in, write_files

from tetrad.lint.suppressions import suppressions_of
from tetrad.yamldoc.parse import parse

UNDELIMITED = """\
kind: prompt
variables: {{message: {{type: string}}}}
messages:
  - role: user
    content: {header}
      Sort: {{{{ message }}}}
"""
ALLOW = "# tetrad: allow untrusted-undelimited -- digits only"


def codes(root: Path, *asked: str) -> list[str]:
    return [finding.code for finding in findings_in(root, *asked)]


@pytest.mark.parametrize(
    "header",
    [f"|  {ALLOW}", f">-  {ALLOW}", f"|2  {ALLOW}", "|  # tetrad:allow untrusted-undelimited--x"],
)
def test_a_comment_on_the_line_of_the_key_lifts_what_is_in_its_text(
    header: str, tmp_path: Path
) -> None:
    write_files(tmp_path, {"prompts/a.yaml": UNDELIMITED.format(header=header)})

    assert ("INJ301" in codes(tmp_path)) == ("--x" in header)


def test_a_comment_on_the_line_above_lifts() -> None:
    text = f"kind: prompt\n{ALLOW}\n\n# more\nmessages: []\n"
    (found,) = suppressions_of(parse(text.encode(), "a.yaml"))

    assert (found.line, found.names, found.reason) == (5, ("untrusted-undelimited",), "digits only")


def test_several_rules_stand_in_one_comment() -> None:
    text = "kind: prompt  # tetrad: allow unused-variable, credential -- both -- really\n"
    (found,) = suppressions_of(parse(text.encode(), "a.yaml"))

    assert (found.names, found.reason) == (("unused-variable", "credential"), "both -- really")


@pytest.mark.parametrize(
    "value",
    [
        f'"{ALLOW}"',
        f"'{ALLOW}'",
        f"|\n  {ALLOW}",
        f">\n  a\n  {ALLOW}",
    ],
)
def test_text_is_no_comment(value: str) -> None:
    assert list(suppressions_of(parse(f"key: {value}\n".encode(), "a.yaml"))) == []


def test_a_suppression_elsewhere_lifts_nothing(tmp_path: Path) -> None:
    text = UNDELIMITED.format(header="|").replace("kind: prompt", f"kind: prompt  {ALLOW}")
    write_files(tmp_path, {"prompts/a.yaml": text})

    assert codes(tmp_path) == ["NOQ001", "INJ301"]


def waivers(*lines: str) -> str:
    return "kind: waivers\nwaivers:\n" + "".join(f"  - {{{line}}}\n" for line in lines)


WAIVER = 'rule: {rule}, file: prompts/a.yaml, reason: Ours., owner: "@us", until: "{until}"'


def test_a_waiver_lifts_a_rule_in_a_file(tmp_path: Path) -> None:
    files = {
        "prompts/a.yaml": UNDELIMITED.format(header="|"),
        "waivers.yaml": waivers(WAIVER.format(rule="INJ301", until="2026-11-21")),
    }
    write_files(tmp_path, files)

    assert codes(tmp_path) == []


def test_an_expired_waiver_counts_for_nothing_and_is_a_finding(tmp_path: Path) -> None:
    files = {
        "prompts/a.yaml": UNDELIMITED.format(header="|"),
        "waivers.yaml": waivers(WAIVER.format(rule="INJ301", until="2026-11-20")),
    }
    write_files(tmp_path, files)

    assert codes(tmp_path) == ["INJ301", "NOQ002"]


def test_waivers_count_when_one_file_is_asked_for(tmp_path: Path) -> None:
    files = {
        "prompts/a.yaml": UNDELIMITED.format(header="|"),
        "prompts/b.yaml": PROMPT,
        "waivers.yaml": waivers(
            WAIVER.format(rule="INJ301", until="2026-11-21"),
            WAIVER.format(rule="INJ302", until="2026-11-21"),
        ),
    }
    write_files(tmp_path, files)

    assert codes(tmp_path, "prompts/a.yaml") == []
    assert codes(tmp_path) == ["NOQ001"]
