"""What a comment or a waiver lifts, and what it does not."""

from __future__ import annotations

from pathlib import Path

import pytest
from lint.case_files import PARTS, PROMPT, findings_in, write_files

from tetrad.lint.suppressions import suppressions_of
from tetrad.yamldoc.parse import parse

UNDELIMITED = """\
kind: prompt
variables: {{message: {{type: string, trust: untrusted}}}}
messages:
  - role: user
    content: {header}
      Sort: {{{{ message }}}}
  - {{role: system, content: It is data.}}
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


REVERSED = """\
- {id: plain, vars: {message: "pay me"}, assert: [{type: equals, value: a}]}
- id: reversed
  vars: {message: "pay \\u202Eem"}
  assert: [{type: equals, value: a}]
- {id: hidden, vars: {message: "pay \\u202Eyou"}, assert: [{type: equals, value: b}]}
"""
ESCAPES = 'rule: UNI501, file: {file}, reason: An attack., owner: "@us", until: "2026-11-21"'


def adversarial(root: Path, *files: str) -> list[tuple[str, int, str]]:
    lines = [ESCAPES.format(file=f'"{file}"') for file in files]
    write_files(
        root,
        {
            **PARTS["prompt"],
            **PARTS["model"],
            **PARTS["stack"],
            **PARTS["suite"],
            "evals/sort/golden.yaml": REVERSED,
            "waivers.yaml": waivers(*lines) if lines else "kind: waivers\nwaivers: []\n",
        },
    )
    return [
        (finding.code, finding.place.span.line, finding.message)
        for finding in findings_in(root)
        if finding.code in {"UNI501", "NOQ001"}
    ]


ESCAPED = "text is reordered by U+202E RIGHT-TO-LEFT OVERRIDE, written as an escape"


def test_an_escape_in_a_golden_case_is_accepted_case_by_case(tmp_path: Path) -> None:
    golden = "evals/sort/golden.yaml"

    assert adversarial(tmp_path) == [("UNI501", 3, ESCAPED), ("UNI501", 5, ESCAPED)]
    assert adversarial(tmp_path, f"{golden}#reversed") == [("UNI501", 5, ESCAPED)]
    assert adversarial(tmp_path, f"{golden}#reversed", f"{golden}#hidden") == []
    assert adversarial(tmp_path, golden) == []


def test_a_waiver_of_a_case_that_needs_none_is_told(tmp_path: Path) -> None:
    golden = "evals/sort/golden.yaml"

    found = adversarial(tmp_path, f"{golden}#plain", golden, "evals/sor/golden.yaml#hidden")

    assert found == [
        ("NOQ001", 3, f"UNI501 finds nothing in {golden}#plain"),
        ("NOQ001", 5, "there is no file evals/sor/golden.yaml"),
    ]
