"""Git LFS's pointers: what lies in a checkout in the place of a large file that was not fetched."""

from __future__ import annotations

import re

MAX_BYTES = 1024  # of a pointer, by Git LFS's specification
_POINTER = re.compile(
    rb"version https://(?:git-lfs|hawser)\.github\.com/spec/v1\r?\n"
    rb"(?:ext-\d-[^\n]*\n)*oid sha256:(?P<oid>[0-9a-f]{64})\r?\nsize \d+\r?\n?"
)


def pointed_at(data: bytes) -> str | None:
    """The SHA-256 of the content for which a pointer stands; None where this is no pointer."""
    found = _POINTER.fullmatch(data) if len(data) <= MAX_BYTES else None
    return found["oid"].decode() if found else None
