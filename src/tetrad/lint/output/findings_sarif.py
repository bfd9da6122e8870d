"""Findings as SARIF 2.1.0, in the part of it that code scanning reads."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from urllib.parse import quote

from tetrad import __version__
from tetrad.canonical import Json, digest_bytes
from tetrad.lint.finding import SEVERITIES, Finding
from tetrad.lint.pages import page_of
from tetrad.lint.rule import Rule
from tetrad.lint.rules import RULES
from tetrad.lint.tree import LintTree
from tetrad.text import json_escaped

_SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)
_HOME = "https://github.com/tetrad-dev/tetrad"
_LEVELS = {"error": "error", "warning": "warning", "info": "note"}
_MAX_SNIPPET = 1_000  # characters of a line; a file may be one line
_MAX_RESULTS = 25_000  # GitHub takes no more of a run


def render(findings: Sequence[Finding], tree: LintTree) -> str:
    ordered = sorted(findings, key=lambda finding: SEVERITIES.index(finding.severity))
    run: Mapping[str, Json] = {
        "tool": {"driver": _driver()},
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {"SRCROOT": {"description": {"text": "the repository's root"}}},
        "results": list(_results(ordered[:_MAX_RESULTS], tree)),
    }
    document = {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}
    return json_escaped(json.dumps(document, indent=2)) + "\n"


def _driver() -> Mapping[str, Json]:
    return {
        "name": "tetrad lint",
        "semanticVersion": __version__,
        "informationUri": _HOME,
        "rules": [_rule(rule) for rule in RULES],
    }


def _rule(rule: Rule) -> Mapping[str, Json]:
    page = page_of(rule)
    return {
        "id": rule.code,
        "name": rule.name,
        "shortDescription": {"text": rule.summary},
        "help": {"text": page, "markdown": page},
        "helpUri": f"{_HOME}/blob/main/docs/rules/{rule.name}.md",
        "defaultConfiguration": {"level": _LEVELS[rule.severity]},
    }


def _results(findings: Sequence[Finding], tree: LintTree) -> Iterator[Json]:
    indices = {rule.code: index for index, rule in enumerate(RULES)}
    seen: Counter[str] = Counter()
    for finding in findings:
        subject = _subject(finding, tree)
        occurrence = seen[subject]
        seen[subject] += 1
        digest = digest_bytes(subject.encode(errors="surrogateescape")).hex[:32]
        text = f"{finding.message}\nhelp: {finding.hint}" if finding.hint else finding.message
        yield {
            "ruleId": finding.code,
            "ruleIndex": indices[finding.code],
            "level": _LEVELS[finding.severity],
            "message": {"text": text},
            "locations": [{"physicalLocation": _location(finding, tree.below)}],
            # The name under which code scanning looks for it, and for nothing else.
            "partialFingerprints": {"primaryLocationLineHash": f"{digest}:{occurrence + 1}"},
        }


def _subject(finding: Finding, tree: LintTree) -> str:
    """What stays the same while lines move: the code, the file and the text that it is about."""
    line = tree.lines(finding.place.file).line(finding.place.span.line, 0, _MAX_SNIPPET)
    snippet = finding.message if finding.hidden else " ".join(line.split())
    return f"{finding.code}\0{finding.place.file}\0{snippet}"


def _location(finding: Finding, below: str) -> Mapping[str, Json]:
    span = finding.place.span
    region: Mapping[str, Json] = {
        "startLine": span.line,
        "startColumn": span.column,
        "endLine": span.end_line,
        "endColumn": span.end_column,
    }
    file = quote(f"{below}{finding.place.file}", errors="surrogateescape")
    uri = {"uri": file, "uriBaseId": "SRCROOT"}
    return {"artifactLocation": uri, "region": region}
