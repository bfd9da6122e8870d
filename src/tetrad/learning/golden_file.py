"""A golden set's file with cases at its end: a list in YAML, or JSON lines."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from tetrad.canonical import Json
from tetrad.errors import UsageError
from tetrad.text import json_escaped
from tetrad.yamldoc.edit import append
from tetrad.yamldoc.parse import GOLDEN_SET, parse


def with_cases(path: str, data: bytes, cases: Sequence[Mapping[str, Json]]) -> bytes:
    """The file's new content; UsageError where cases cannot be appended to it."""
    if path.endswith(".jsonl"):
        lines = "".join(json_escaped(json.dumps(case, ensure_ascii=False)) + "\n" for case in cases)
        gap = b"" if not data or data.endswith(b"\n") else b"\n"
        return data + gap + lines.encode()
    if not path.endswith((".yaml", ".yml")):
        raise UsageError(
            f"{path}: cases are appended to YAML and to JSON lines\n"
            "  help: make the golden set one of these, or copy the cases from `feedback list`"
        )
    document = parse(data, path, limits=GOLDEN_SET, anchors=True)
    try:
        edited = append(document, cases)
    except ValueError as error:
        raise UsageError(str(error)) from error
    mark = b"\xef\xbb\xbf" if document.marked else b""
    return mark + edited.text.encode()
