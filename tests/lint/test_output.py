"""Findings in four formats: whole, in their shape, and with hostile text made inert."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from checkouts import mark_checkout
from lint.case_files import PARTS, PROMPT, TODAY, write_files
from lint.vectors import VECTORS

from tetrad.lint import Finding, LintTree, lint_tree, read_tree
from tetrad.lint.finding import Place
from tetrad.lint.output import FORMATS, findings_text, render
from tetrad.lint.positions import Range
from tetrad.lint.rules import RULES

UNDELIMITED = PROMPT.replace("<message>", "Sort:").replace("</message>", "")
HOSTILE = "a\x1b[31mb\u202ec\r\n::error::d, e: 100%"

# The part of SARIF 2.1.0's schema (OASIS, section 3) that our output uses, nothing else allowed.
POSITION = {"type": "integer", "minimum": 1}
SARIF: dict[str, Any] = {
    "type": "object",
    "required": ["version", "runs"],
    "additionalProperties": False,
    "properties": {
        "$schema": {"type": "string", "format": "uri"},
        "version": {"const": "2.1.0"},
        "runs": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["tool"],
                "additionalProperties": False,
                "properties": {
                    "tool": {
                        "type": "object",
                        "required": ["driver"],
                        "additionalProperties": False,
                        "properties": {
                            "driver": {
                                "type": "object",
                                "required": ["name"],
                                "additionalProperties": False,
                                "properties": {
                                    "name": {"type": "string"},
                                    "semanticVersion": {"type": "string"},
                                    "informationUri": {"type": "string", "format": "uri"},
                                    "rules": {
                                        "type": "array",
                                        "uniqueItems": True,
                                        "items": {"$ref": "#/$defs/rule"},
                                    },
                                },
                            }
                        },
                    },
                    "columnKind": {"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
                    "originalUriBaseIds": {"type": "object"},
                    "results": {"type": "array", "items": {"$ref": "#/$defs/result"}},
                },
            },
        },
    },
    "$defs": {
        "text": {
            "type": "object",
            "required": ["text"],
            "additionalProperties": False,
            "properties": {"text": {"type": "string"}, "markdown": {"type": "string"}},
        },
        "level": {"enum": ["none", "note", "warning", "error"]},
        "rule": {
            "type": "object",
            "required": ["id"],
            "additionalProperties": False,
            "properties": {
                "id": {"type": "string"},
                "name": {"type": "string"},
                "shortDescription": {"$ref": "#/$defs/text"},
                "help": {"$ref": "#/$defs/text"},
                "helpUri": {"type": "string", "format": "uri"},
                "defaultConfiguration": {
                    "type": "object",
                    "additionalProperties": False,
                    "properties": {"level": {"$ref": "#/$defs/level"}},
                },
            },
        },
        "result": {
            "type": "object",
            "required": ["message", "ruleId", "locations", "partialFingerprints"],
            "additionalProperties": False,
            "properties": {
                "ruleId": {"type": "string"},
                "ruleIndex": {"type": "integer", "minimum": 0},
                "level": {"$ref": "#/$defs/level"},
                "message": {"$ref": "#/$defs/text"},
                "partialFingerprints": {
                    "type": "object",
                    "additionalProperties": {"type": "string"},
                },
                "locations": {
                    "type": "array",
                    "minItems": 1,
                    "items": {
                        "type": "object",
                        "additionalProperties": False,
                        "required": ["physicalLocation"],
                        "properties": {
                            "physicalLocation": {
                                "type": "object",
                                "additionalProperties": False,
                                "required": ["artifactLocation", "region"],
                                "properties": {
                                    "artifactLocation": {
                                        "type": "object",
                                        "additionalProperties": False,
                                        "properties": {
                                            "uri": {"type": "string", "format": "uri-reference"},
                                            "uriBaseId": {"type": "string"},
                                        },
                                    },
                                    "region": {
                                        "type": "object",
                                        "additionalProperties": False,
                                        "properties": {
                                            "startLine": POSITION,
                                            "startColumn": POSITION,
                                            "endLine": POSITION,
                                            "endColumn": POSITION,
                                        },
                                    },
                                },
                            }
                        },
                    },
                },
            },
        },
    },
}


def read(root: Path, **files: str) -> LintTree:
    write_files(root, {f"prompts/{name}.yaml": content for name, content in files.items()})
    return read_tree(root, asked=None, today=TODAY)


def hostile(tree: LintTree) -> Finding:
    (finding,) = lint_tree(tree)
    place = Place("prompts/a,b:c%\u202e.yaml", Range(1, 1, 1, 2))
    return replace(finding, message=HOSTILE, hint=HOSTILE, place=place)


def test_json_has_the_published_shape(tmp_path: Path) -> None:
    tree = read(tmp_path, a=UNDELIMITED)
    (value,) = json.loads(render("json", lint_tree(tree), tree))
    fix = value.pop("fix")

    assert value == {
        "code": "INJ301",
        "name": "untrusted-undelimited",
        "severity": "error",
        "message": "untrusted 'message' is not marked as data",
        "file": "prompts/a.yaml",
        "line": 8,
        "column": 7,
        "end_line": 8,
        "end_column": 20,
    }
    assert not fix["safe"]
    assert [edit["text"] for edit in fix["edits"]] == ["<message>", "</message>"]


def test_sarif_is_what_code_scanning_reads(tmp_path: Path) -> None:
    tree = read(tmp_path, a=UNDELIMITED, b="kind: [\n", c=UNDELIMITED.replace("user", "system"))
    findings = [*lint_tree(tree), hostile(read(tmp_path / "other", a=UNDELIMITED))]
    value = json.loads(render("sarif", findings, tree))

    jsonschema.Draft202012Validator(SARIF).validate(value)
    rules = value["runs"][0]["tool"]["driver"]["rules"]
    for result in value["runs"][0]["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]


def fingerprints(tree: LintTree) -> list[str]:
    value = json.loads(render("sarif", lint_tree(tree), tree))
    return [
        result["partialFingerprints"]["primaryLocationLineHash"]
        for result in value["runs"][0]["results"]
    ]


def test_a_fingerprint_stays_while_lines_move_and_tells_repeats_apart(tmp_path: Path) -> None:
    before = fingerprints(read(tmp_path, a=UNDELIMITED))
    after = fingerprints(read(tmp_path, a="# one\n# two\n" + UNDELIMITED))
    head, message = UNDELIMITED.split("messages:\n")
    message, generation = message.split("generation:")
    repeated = f"{head}messages:\n{message}{message}generation:{generation}"
    twice = fingerprints(read(tmp_path, a=repeated))

    assert before == after == twice[:1]
    assert len(set(twice)) == 2


def test_github_annotations_stand_most_severe_first(tmp_path: Path) -> None:
    unused = UNDELIMITED.replace("  message:", "  tone: {type: string, trust: trusted}\n  message:")
    tree = read(tmp_path, a=unused)
    lines = render("github", lint_tree(tree), tree).splitlines()

    assert [line.split(" ")[0] for line in lines] == ["::error", "::warning"]


def test_ci_is_told_files_from_the_checkouts_top(tmp_path: Path) -> None:
    mark_checkout(tmp_path)
    tree = read(tmp_path / "services" / "llm", a=UNDELIMITED)
    findings = lint_tree(tree)
    (result,) = json.loads(render("sarif", findings, tree))["runs"][0]["results"]
    (place,) = result["locations"]

    assert "file=services/llm/prompts/a.yaml," in render("github", findings, tree)
    assert place["physicalLocation"]["artifactLocation"] == {
        "uri": "services/llm/prompts/a.yaml",
        "uriBaseId": "SRCROOT",
    }


def test_hostile_text_ends_no_workflow_command(tmp_path: Path) -> None:
    tree = read(tmp_path, a=UNDELIMITED)
    (line,) = render("github", [hostile(tree)], tree).splitlines()

    assert line == (
        "::error file=prompts/a%2Cb%3Ac%25<U+202E>.yaml,line=1,endLine=1,"
        "title=INJ301 untrusted-undelimited,col=1,endColumn=2"
        "::ab<U+202E>c%0A::error::d, e: 100%25%0Ahelp: ab<U+202E>c%0A::error::d, e: 100%25"
    )


@pytest.mark.parametrize("form", ["text", "github"])
def test_hostile_text_is_inert(form: str, tmp_path: Path) -> None:
    tree = read(tmp_path, a=UNDELIMITED)
    shown = render(form, [hostile(tree)], tree)

    assert not {"\x1b", "\u202e", "\r"} & set(shown)


def test_the_source_line_is_marked_below_what_the_finding_is_about(tmp_path: Path) -> None:
    tree = read(tmp_path, a=UNDELIMITED.replace("{{ message }}", "\u202e x\u200b {{ message }}"))
    finding = next(f for f in lint_tree(tree) if f.code == "INJ301")
    _, line, marks, *_ = findings_text.render([finding], tree).splitlines()

    assert line == "  8 |       <U+202E> x<U+200B> {{ message }}"
    assert marks == "    |                          ^^^^^^^^^^^^^"


def test_colour_repeats_what_words_say(tmp_path: Path) -> None:
    tree = read(tmp_path, a=UNDELIMITED)
    plain = findings_text.render(lint_tree(tree), tree)
    coloured = findings_text.render(lint_tree(tree), tree, colour=True)

    assert "error[INJ301]" in plain
    assert "\x1b[1;31merror[INJ301]\x1b[0m" in coloured


@pytest.mark.parametrize("form", FORMATS)
def test_no_format_shows_a_secret(form: str, tmp_path: Path) -> None:
    secret = VECTORS["ANTHROPIC"]
    tree = read(tmp_path, a=PROMPT.replace("<message>", f"<message> {secret}"))
    shown = render(form, lint_tree(tree), tree)

    assert "SEC401" in shown
    assert not any(secret[i : i + 12] in shown for i in range(8, len(secret) - 12))


def test_the_summary_counts(tmp_path: Path) -> None:
    unused = UNDELIMITED.replace("  message:", "  tone: {type: string, trust: trusted}\n  message:")
    tree = read(tmp_path, a=unused)

    assert findings_text.render(lint_tree(tree), tree).splitlines()[-1] == (
        "1 error, 1 warning in 1 file; `tetrad lint --fix` fixes 1"
    )
    assert findings_text.render([], tree) == "nothing found in 1 file\n"


def test_every_severity_of_a_rule_can_be_rendered(tmp_path: Path) -> None:
    tree = read(tmp_path, a=PROMPT)
    place = Place("prompts/a.yaml", Range(1, 1, 1, 2))
    findings = [
        rule.at(place, "m", severity=severity)
        for rule in RULES
        for severity in ("error", "warning", "info")
    ]

    for form in FORMATS:
        assert all(rule.code in render(form, findings, tree) for rule in RULES)


def test_one_cause_that_many_cases_share_is_folded_in_text_and_in_no_other_format(
    tmp_path: Path,
) -> None:
    cases = "".join(f"- {{id: case-{n}, vars: {{mesage: x}}}}\n" for n in range(42))
    write_files(
        tmp_path,
        {
            **PARTS["prompt"],
            **PARTS["model"],
            **PARTS["stack"],
            **PARTS["suite"],
            "evals/sort/golden.yaml": cases,
        },
    )
    tree = read_tree(tmp_path, asked=None, today=TODAY)
    findings = [f for f in lint_tree(tree) if "message" in f.message and "gives no" in f.message]
    assert len(findings) == 42

    shown = findings_text.render(findings, tree)

    assert shown.count("error[GLD996]") == 3
    assert (
        "  and 39 more like this one, at lines 4, 5, 6, 7, 8, 9, 10, 11, 12, 13 and 29 more"
        in shown
    )
    assert shown.endswith("42 errors in 5 files\n")
    assert findings_text.render(findings, tree, folds=False).count("error[GLD996]") == 42
    for form in set(FORMATS) - {"text"}:
        assert render(form, findings, tree).count("case-41") >= 1
