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
    if asked is None or cached is None:
        return Usage(input_tokens=None, output_tokens=_output(written, None, made))
    if cached > asked:  # counted beside the prompt's, as Anthropic does
        asked += cached
    return Usage(
        input_tokens=asked,
        output_tokens=_output(written, asked, made),
        cached_input_tokens=cached,
    )


def _output(written: Mapping[str, Any], asked: int | None, made: int | None) -> int | None:
    """The completion's tokens with those of thinking that are not among them: xAI names these in the
    details and the total, Gemini's endpoint in the total only.
    """
    thought = _detail(written, "completion_tokens_details", "reasoning_tokens")
    total = _if_given(written.get("total_tokens"))
    if made is None or thought is None or total is None:
        return None
    outside = thought if thought > made else 0
    return made + (outside if asked is None else max(outside, total - asked - made))


def _detail(written: Mapping[str, Any], details: str, name: str) -> int | None:
    """A count that many servers leave out, which is then nothing; None for what is no count."""
    inner = written.get(details)
    if inner is None:
        return 0
    return _if_given(inner.get(name)) if isinstance(inner, Mapping) else None


def _if_given(value: Any) -> int | None:
    return 0 if value is None else _count(value, least=0)


def _count(value: Any, *, least: int) -> int | None:
    if type(value) is float and value.is_integer():
        value = int(value)
    return value if type(value) is int and least <= value <= _LARGEST else None
