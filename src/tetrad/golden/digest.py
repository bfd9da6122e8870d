"""The digest of a golden set: over what its cases ask and assert, not over the file's bytes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any

from tetrad.assertions.table import CODED
from tetrad.canonical import Digest, Digester, Json, canonical_json
from tetrad.model import Assertion, AssertionSet, Case

_PIECE = 100  # cases


def golden_digest(cases: Iterable[Case]) -> Digest:
    """SHA-256 over the canonical JSON of the list of cases, written piece by piece."""
    digester = Digester()
    digester.update(b"[")
    left, comma = iter(cases), b""
    while piece := [case_content(case) for case in islice(left, _PIECE)]:
        digester.update(comma + canonical_json(piece)[1:-1])
        comma = b","
    digester.update(b"]")
    return digester.digest()


def case_content(case: Case) -> Mapping[str, Json]:
    """What a case asks and asserts; its description and metadata are for people, and for code."""
    content: dict[str, Any] = {"id": case.id, "vars": case.vars}
    optional: dict[str, Any] = {
        "assert": [_assertion(item) for item in case.assertions],
        "threshold": case.threshold,
        "tags": sorted(case.tags),
        "group": case.group,
        "repeats": None if case.repeats == 1 else case.repeats,
        "turns": [{"role": turn.role, "content": turn.content} for turn in case.turns],
        "tools": [
            {"tool": c.tool, "arguments": c.arguments, "result": c.result, "error": c.error}
            for c in case.tools
        ],
        "variants": {name: list(texts) for name, texts in case.variants.items()},
        "transform": case.transform,
        "source": case.source and str(case.source),
    }
    if any(map(_has_code, case.assertions)):
        optional |= {"description": case.description or None, "metadata": case.metadata}
    return content | {key: value for key, value in optional.items() if value not in (None, [], {})}


def _has_code(item: Assertion | AssertionSet) -> bool:
    """Whether code grades, which sees all of the case."""
    if isinstance(item, AssertionSet):
        return any(map(_has_code, item.assertions))
    return item.type in CODED or item.source is not None


def _assertion(item: Assertion | AssertionSet) -> Mapping[str, Any]:
    content: dict[str, Any] = {
        "threshold": item.threshold,
        "weight": None if item.weight == 1 else item.weight,
        "metric": item.metric,
    }
    if isinstance(item, AssertionSet):
        content |= {"type": "assert-set", "assert": [_assertion(i) for i in item.assertions]}
    else:
        content |= {
            "type": item.written,
            "value": item.value,
            "transform": item.transform,
            "judge": item.judge,
            "config": item.config or None,
            "source": item.source and str(item.source),
        }
    return {key: value for key, value in content.items() if value is not None}
