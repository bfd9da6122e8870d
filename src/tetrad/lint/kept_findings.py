"""Findings as a line of JSON, from which the same findings are read again."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import fields
from typing import Any

from tetrad.lint.finding import Edit, Finding, Fix, Place
from tetrad.lint.positions import Range

_FIELDS = tuple(field.name for field in fields(Finding))


def dump_findings(findings: Iterable[Finding]) -> str:
    rows = [[getattr(finding, name) for name in _FIELDS] for finding in findings]
    return json.dumps(rows, separators=(",", ":"))


def load_findings(text: str) -> tuple[Finding, ...]:
    return tuple(_finding(dict(zip(_FIELDS, row, strict=True))) for row in json.loads(text))


def _finding(values: dict[str, Any]) -> Finding:
    file, span, key_line = values["place"]
    fix = None if values["fix"] is None else _fix(*values["fix"])
    return Finding(**{**values, "place": Place(file, Range(*span), key_line), "fix": fix})


def _fix(title: str, edits: list[list[Any]], safe: bool) -> Fix:
    return Fix(title, tuple(Edit(*edit) for edit in edits), safe)
