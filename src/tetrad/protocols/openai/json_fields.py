"""Values of JSON that comes from outside, taken as what they should be or refused with a reason."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any


class Unreadable(Exception):
    """An answer that is not of the protocol."""


class Cut(Unreadable):
    """An answer that broke off; the next may not."""


def load(written: bytes) -> Any:
    try:
        return json.loads(written)
    except (ValueError, RecursionError):
        start = written[:60].decode("utf-8", "replace")
        raise Unreadable(f"the answer is not JSON but begins {start!r}") from None


def mapping(value: Any, what: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise Unreadable(f"{what} is missing" if value is None else f"{what} is not an object")
    return value


def sequence(value: Any, what: str) -> Sequence[Any]:
    if not isinstance(value, list | None):
        raise Unreadable(f"{what} is not a list")
    return value or ()


def text(value: Any, what: str) -> str:
    if not isinstance(value, str | None):
        raise Unreadable(f"{what} is not a string")
    # JSON can escape half a surrogate pair, which no file and no digest can carry
    return (value or "").encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def first_choice(reply: Mapping[str, Any]) -> Mapping[str, Any]:
    choices = reply.get("choices")
    if not isinstance(choices, list) or not choices:
        raise Unreadable("the answer has no choices")
    return mapping(choices[0], "choices[0]")
