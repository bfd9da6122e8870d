"""Regular expressions as JavaScript writes them, which JSON Schema and promptfoo take them to be."""

from __future__ import annotations

import re

_ESCAPE = re.compile(r"\\(?:c(?P<letter>[A-Za-z])|.)", re.DOTALL)


def without_control_letters(pattern: str) -> str:
    r"""The pattern with `\cJ` written as `\x0a`: only JavaScript knows control characters by letters."""
    return _ESCAPE.sub(_by_number, pattern) if "\\c" in pattern else pattern


def _by_number(match: re.Match[str]) -> str:
    letter = match["letter"]
    return f"\\x{ord(letter) % 32:02x}" if letter else match[0]
