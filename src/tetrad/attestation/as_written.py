"""A report's file against what was read of it: what it says in short follows from what it says in full.

Reading passes over the means, counts and keys that nothing is decided by. People read them, and the
digest of the file is signed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tetrad.attestation.disagreement import Disagreement
from tetrad.canonical import read_json
from tetrad.report import dump_report
from tetrad.results.gate_report import Report
from tetrad.text import shorten

_SHOWN = 60  # characters of a value


def check_as_written(report: Report, data: bytes) -> None:
    """Whether the file says what `tetrad gate` writes of the report; Disagreement with the place."""
    problem = _difference(read_json(data.decode()), json.loads(dump_report(report)), "$")
    if problem:
        raise Disagreement(f"the report's {problem}")


def _difference(said: Any, written: Any, path: str) -> str:
    """The first place where two JSON values differ, and how; empty where they do not."""
    if isinstance(said, dict) and isinstance(written, dict):
        return _of_objects(said, written, path)
    if isinstance(said, list) and isinstance(written, list) and len(said) == len(written):
        pairs = enumerate(zip(said, written, strict=True))
        found = (_difference(a, b, f"{path}[{index}]") for index, (a, b) in pairs)
        return next(filter(None, found), "")
    if said == written and isinstance(said, bool) == isinstance(written, bool):
        return ""
    return f"{path} is {_shown(said)}, expected {_shown(written)} by the rest of it"


def _of_objects(said: Mapping[str, Any], written: Mapping[str, Any], path: str) -> str:
    for key, value in said.items():
        if key not in written:
            return f"{path}.{key} is not a key that a gate writes"
        if problem := _difference(value, written[key], f"{path}.{key}"):
            return problem
    missing = next((key for key in written if key not in said), None)
    return "" if missing is None else f"{path}.{missing} is missing"


def _shown(value: Any) -> str:
    return shorten(json.dumps(value, ensure_ascii=True), _SHOWN)
