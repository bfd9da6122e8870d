"""What a report claims, and which of it decides nothing: told from its JSON, without our own reader."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from math import isclose
from typing import Any

# Words, and what nobody can derive again and no evidence holds.
_FREE = re.compile(
    r"""
    \.metadata .*
    | \.calls\.(made|cached|skipped)
    | \.yardstick .*  # what was loosened is derived from the two trees, whatever is listed
    | \.stacks\[0\]\.(note|base_engine|base_build|changes .*)
    | \.stacks\[0\]\.by_base\[\d+\]\.(note|offers .*)
    | .* \.requirements\[\d+\]\.reason
    | .* \.assertions\[\d+\]\.reason
    # how an answer came about, but for what is graded, counted and paid
    | .* \.trace\.steps\[\d+\]\.(cached|request) .*
    | .* \.trace\.steps\[\d+\]\.completion\.(?!text|usage|latency_s|finish_reason) .*
    """,
    re.VERBOSE,
)
# Nobody but the job that evaluated knows it: it is signed as it is said.
_SAID = re.compile(
    r"""
    \.created
    | \.stacks\[0\]\.(engine | build | helpers .*)
    # seconds, where the answer and its trace say the same
    | .* samples\[\d+\](\.trace\.steps\[\d+\]\.completion)?\.latency_s
    # by the base's yardstick: budgets, what compares with a base of which a judge scored a case, and a
    # suite of which the report does not have every outcome; that its decision follows is looked at
    | \.stacks\[0\]\.by_base(\[0\]\.requirements\[[13456]\] | \[1\]\.requirements\[\d+\])
      \.(decision | value | threshold | interval .* | mde | n | cases .*)
    """,
    re.VERBOSE,
)
_ESTIMATED = re.compile(r".*\.requirements\[\d+\]\.(interval\[[01]\]|mde)")


def changes(before: Any, after: Any, path: str = "") -> Iterator[str]:
    """The paths at which two JSON values differ, the outermost where their shapes do."""
    if isinstance(before, dict) and isinstance(after, dict):
        for key in {**before, **after}:
            inner = f"{path}.{key}"
            if key not in before or key not in after:
                yield inner
            else:
                yield from changes(before[key], after[key], inner)
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for index, (one, other) in enumerate(zip(before, after, strict=True)):
            yield from changes(one, other, f"{path}[{index}]")
    elif not _is_same(before, after, path):
        yield path


def _is_same(before: Any, after: Any, path: str) -> bool:
    """Whether two values claim the same: numbers, but for what two machines may compute otherwise."""
    if isinstance(before, bool) or not {type(before), type(after)} <= {int, float}:
        return type(before) is type(after) and bool(before == after)
    least = 1e-9 if _ESTIMATED.fullmatch(path) else 1e-12
    return isclose(before, after, rel_tol=1e-9, abs_tol=least)


def claimed(paths: Sequence[str]) -> list[str]:
    """Those of the changed places that say something which can be derived again."""
    return [path for path in paths if not _FREE.fullmatch(path) and not _SAID.fullmatch(path)]


def said(report: Any) -> dict[str, Any]:
    """What a statement repeats of a report, because only the report can know it."""
    stack = report["stacks"][0]
    return {
        "engine": stack["engine"],
        "build": stack["build"],
        "helpers": stack["helpers"],
        "suites": [
            {
                "suite": suite["suite"],
                "digest": suite["digest"],
                "decision": suite["decision"],
                "cases": len(suite["cases"]),
                "results": results_root(suite["cases"]),
            }
            for suite in stack["suites"]
        ],
    }


def results_root(cases: Sequence[Any]) -> str:
    """RFC 6962 over the outputs' digests and the scores of every case."""
    return f"sha256:{_root([_leaf(case) for case in cases]).hex()}"


def _leaf(case: Any) -> bytes:
    samples = [
        {
            "output": f"sha256:{hashlib.sha256(sample['output'].encode()).hexdigest()}",
            "passed": sample.get("passed", False),
            "metrics": {name: _number(value) for name, value in sample["metrics"].items()},
        }
        for sample in case["samples"]
    ]
    document = {"case": case["id"], "samples": samples}
    data = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(b"\0" + data.encode()).digest()


def _number(value: float) -> float:
    """As RFC 8785 writes it: 1.0 is 1."""
    return int(value) if value == int(value) else value


def _root(leaves: Sequence[bytes]) -> bytes:
    if not leaves:
        return hashlib.sha256().digest()
    if len(leaves) == 1:
        return leaves[0]
    half = 1
    while half * 2 < len(leaves):
        half *= 2
    return hashlib.sha256(b"\1" + _root(leaves[:half]) + _root(leaves[half:])).digest()


def agrees_on_seconds(report: Any) -> bool:
    """Whether each answer took what its trace says."""
    samples = [
        sample
        for suite in report["stacks"][0]["suites"]
        for case in suite["cases"]
        for sample in [*case["samples"], *(case["base_samples"] or ())]
    ]
    return all(
        sample["latency_s"]
        == sum(step["completion"]["latency_s"] for step in sample["trace"]["steps"])
        for sample in samples
    )
