"""What a case asks, as a person would write it in a golden set. Pure."""

from __future__ import annotations

import json

from tetrad.canonical import Json
from tetrad.results.gate_report import CaseReport


def asked(case: CaseReport) -> str:
    """The earlier turns and the variables, in lines that look like YAML."""
    turns = [f"- {turn.role}: {_value(turn.content, indent=4)}" for turn in case.turns]
    values = [f"{name}: {_value(value)}" for name, value in case.vars.items()]
    return "\n".join([*(["turns:"] if turns else []), *turns, *values])


def _value(value: Json, *, indent: int = 2) -> str:
    if not isinstance(value, str):
        return json.dumps(value, ensure_ascii=False, default=dict)
    if "\n" not in value:
        return value
    return "|\n" + "\n".join(f"{' ' * indent}{line}" for line in value.rstrip("\n").split("\n"))
