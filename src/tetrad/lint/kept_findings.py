"""Findings as lines of JSON, from which the same findings are read again."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import fields
from operator import attrgetter
from typing import Any

from tetrad.lint.finding import Edit, Finding, Fix, Place
from tetrad.lint.positions import Range

_FIELDS = tuple(field.name for field in fields(Finding))
_row = attrgetter(*_FIELDS)
_ENCODER = json.JSONEncoder(separators=(",", ":"), check_circular=False)


def dump_findings(findings: Iterable[Finding]) -> str:
    return _ENCODER.encode([*map(_row, findings)])


def load_findings(texts: Mapping[str, str]) -> Mapping[str, tuple[Finding, ...]]:
    """The findings of each name's line."""
    rows = json.loads(f"[{','.join(texts.values())}]")
    return {name: tuple(map(_finding, those)) for name, those in zip(texts, rows, strict=True)}


def _finding(row: list[Any]) -> Finding:
    values = dict(zip(_FIELDS, row, strict=True))
    file, span, key_line = values["place"]
    values["place"] = Place(file, Range(*span), key_line)
    values["fix"] = None if values["fix"] is None else _fix(*values["fix"])
    return Finding(**values)


def _fix(title: str, edits: list[list[Any]], safe: bool) -> Fix:
    return Fix(title, tuple(Edit(*edit) for edit in edits), safe)
