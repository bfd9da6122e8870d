"""Assertions that cannot fail, and assertions that exclude each other."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tetrad.canonical import Json
from tetrad.model import Assertion, AssertionSet, Case

# Texts that have little in common. They are short, so that no pattern takes long on them.
_PROBES = ("", "a", "Zq 7", "\n", "-…", "{}")

_AT_LEAST = frozenset({"similar", "rouge-n", "bleu", "llm-rubric", "context-faithfulness"})


def why_it_cannot_fail(item: Assertion | AssertionSet) -> str | None:
    """Why an assertion passes whatever the answer is; None where it can fail."""
    if isinstance(item, AssertionSet):
        is_met = item.threshold is not None and item.threshold <= 0
        return "its threshold is 0" if is_met else None
    if item.negated:
        return None
    if item.type in _AT_LEAST:
        is_met = item.threshold is not None and item.threshold <= 0
        return "its threshold is 0" if is_met else None
    return _of_value(item.type, item.value)


def why_it_cannot_pass(item: Assertion) -> str | None:
    """Why no score can reach what an assertion asks for."""
    is_over = item.threshold is not None and item.threshold > 1
    is_asked = item.type in _AT_LEAST and not item.negated
    return "its threshold is over 1, and no score is" if is_over and is_asked else None


def _of_value(kind: str, value: Json) -> str | None:
    if kind == "regex" and isinstance(value, str) and _fits_all(value):
        return f"the pattern {value!r} fits every text"
    if kind == "python" and isinstance(value, str) and value.strip() in {"True", "1", "1.0"}:
        return "its expression is always true"
    return None


def _fits_all(pattern: str) -> bool:
    try:
        compiled = re.compile(pattern)
    except (re.error, RecursionError, OverflowError):
        return False  # evals report it
    return all(compiled.search(probe) for probe in _PROBES)


def contradiction(one: Case, other: Case) -> str | None:
    """Why no answer can meet both cases, as far as literal texts show it."""
    if one.transform or other.transform:
        return None
    mine, theirs = list(_required(one)), list(_required(other))
    for first in mine:
        for second in theirs:
            if first is not second and (reason := _excluded(first, second)):
                return reason
    return None


def _required(case: Case) -> Iterator[Assertion]:
    """The assertions that have to pass each by itself."""
    if case.threshold is not None:
        return
    for item in case.assertions:
        if isinstance(item, AssertionSet):
            if item.threshold is None:
                yield from (inner for inner in item.assertions if not inner.transform)
        elif not item.transform:
            yield item


def _excluded(first: Assertion, second: Assertion) -> str | None:
    if first.type == second.type and first.negated != second.negated:
        same = (first.value, first.threshold, first.config)
        if same == (second.value, second.threshold, second.config):
            return f"{first.written} and {second.written} of the same value"
    exact, other = (first, second) if is_exact(first) else (second, first)
    if not is_exact(exact) or has_template(exact.value) or has_template(other.value):
        return None
    verdict = _literal_verdict(other, str(exact.value))
    if verdict is False:
        return f"equals {exact.value!r} and {other.written} {other.value!r}"
    return None


def is_exact(item: Assertion) -> bool:
    """Whether the answer must be one text."""
    return item.type == "equals" and not item.negated and isinstance(item.value, str)


def has_template(value: Json) -> bool:
    return isinstance(value, str) and "{{" in value


def _literal_verdict(item: Assertion, answer: str) -> bool | None:
    """Whether an answer meets an assertion on literal text; None where that cannot be said."""
    if not isinstance(item.value, str):
        return None
    met = {
        "equals": item.value == answer,
        "contains": item.value in answer,
        "icontains": item.value.lower() in answer.lower(),
        "starts-with": answer.startswith(item.value),
    }.get(item.type)
    return None if met is None else met != item.negated
