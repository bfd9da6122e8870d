"""What a case asks, as a person would write it in a golden set. Pure."""

from __future__ import annotations

import json

from tetrad.canonical import Json
from tetrad.results.gate_report import CaseReport


def asked(case: CaseReport) -> str:
    """The variables, in lines that look like YAML."""
    return "\n".join(f"{name}: {_value(value)}" for name, value in case.vars.items())


def _value(value: Json) -> str:
    if not isinstance(value, str):
        return json.dumps(value, ensure_ascii=False, default=dict)
    if "\n" not in value:
        return value
    return "|\n" + "\n".join(f"  {line}" for line in value.rstrip("\n").split("\n"))
