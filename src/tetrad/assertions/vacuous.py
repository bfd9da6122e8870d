"""Assertions that cannot fail, or cannot pass."""

from __future__ import annotations

import re

from tetrad.canonical import Json
from tetrad.model import Assertion, AssertionSet

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


def is_exact(item: Assertion) -> bool:
    """Whether the answer must be one text."""
    return item.type == "equals" and not item.negated and isinstance(item.value, str)


def has_template(value: Json) -> bool:
    return isinstance(value, str) and "{{" in value
