"""What a plain scalar means: the core schema of YAML 1.2 (section 10.3.2) and nothing else."""

from __future__ import annotations

import re
from math import isinf

LARGEST = 2**53 - 1  # RFC 8785 carries no larger integer exactly
_SAFE_DIGITS = len(str(LARGEST))

_CONSTANTS: dict[str, bool | None] = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True,
    "false": False, "False": False, "FALSE": False,
}  # fmt: skip
_STARTS = frozenset("0123456789+-.")
_INTEGERS = (
    (re.compile(r"[-+]?[0-9]+"), 10),
    (re.compile(r"0o[0-7]+"), 8),
    (re.compile(r"0x[0-9a-fA-F]+"), 16),
)
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")


class NumberRefused(ValueError):
    """A number that canonical JSON cannot carry."""


def resolve(text: str) -> bool | int | float | str | None:
    """The value of a plain scalar; `no`, `on`, `12:30` and dates are strings."""
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if text[0] not in _STARTS:
        return text
    if text.isdecimal() and text.isascii() and len(text) < _SAFE_DIGITS:  # most numbers
        return int(text)
    for pattern, base in _INTEGERS:
        if pattern.fullmatch(text):
            return _integer(text.removeprefix("0o").removeprefix("0x"), base)
    if _FLOAT.fullmatch(text):
        return _finite(text)
    if _NOT_FINITE.fullmatch(text):
        raise NumberRefused(f"{text} is not a number that JSON can represent")
    return text


def _integer(digits: str, base: int) -> int:
    # int() itself refuses over 4,300 digits with an error that is not for users.
    number = int(digits, base) if len(digits.lstrip("+-0")) <= 64 else LARGEST + 1
    if abs(number) > LARGEST:
        raise NumberRefused("the integer is beyond ±(2^53−1), which JSON cannot represent exactly")
    return number


def _finite(text: str) -> float:
    number = float(text)
    if isinf(number):
        raise NumberRefused("the number is too large for JSON")
    return number
