"""The tokens that a server counted. What it did not count, or not in a way that can be, is None:
counting nothing instead would let every budget pass that nobody measured.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tetrad.results.exchange import Usage

_LARGEST = 2**53 - 1  # what JSON carries exactly; a larger count would end a run where it is priced


def usage_of(written: Any, *, answered: bool) -> Usage:
    """What the server counted for a prompt, and for an answer that is there (`answered`) or empty."""
    if not isinstance(written, Mapping):
        return Usage(input_tokens=None, output_tokens=None)
    asked = _count(written.get("prompt_tokens"), least=1)
    made = _count(written.get("completion_tokens"), least=int(answered))
    cached = _detail(written, "prompt_tokens_details", "cached_tokens")
    if asked is not None and cached > asked:  # counted beside the prompt's, as Anthropic does
        asked += cached
    return Usage(
        input_tokens=asked,
        output_tokens=None if made is None else made + _thought(written, asked, made),
        cached_input_tokens=0 if asked is None else cached,
    )


def _thought(written: Mapping[str, Any], asked: int | None, made: int) -> int:
    """The tokens of thinking that are not among the completion's: xAI names them in the details and
    the total, Gemini's endpoint in the total only.
    """
    thought = _detail(written, "completion_tokens_details", "reasoning_tokens")
    outside = thought if thought > made else 0
    total = _count(written.get("total_tokens"), least=1)
    if asked is None or total is None:
        return outside
    return max(outside, total - asked - made)


def _detail(written: Mapping[str, Any], details: str, name: str) -> int:
    inner = written.get(details)
    return (_count(inner.get(name), least=0) or 0) if isinstance(inner, Mapping) else 0


def _count(value: Any, *, least: int) -> int | None:
    if type(value) is float and value.is_integer():
        value = int(value)
    return value if type(value) is int and least <= value <= _LARGEST else None
