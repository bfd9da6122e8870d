"""What the content of an erasure says: which contents were erased, and why."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass

from tetrad.canonical import Digest, canonical_json

# What was signed about an identity holds digests and no texts, and is needed to verify it.
SIGNED = frozenset({"evidence", "approval", "admission", "withdrawal", "deployment"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Erasure:
    """That a content was erased."""

    at: str  # as `written_time`
    reason: str

    @property
    def why(self) -> str:
        """For people."""
        return f"erased on {self.at[:10]}{': ' if self.reason else ''}{self.reason}"


def erasure(contents: Iterable[Digest], reason: str) -> bytes:
    return canonical_json({"erased": [str(digest) for digest in contents], "reason": reason})


def erased_by(content: bytes) -> tuple[str, ...]:
    """The digests that an erasure names."""
    return _read(content)[0]


def reason_of(content: bytes) -> str:
    return _read(content)[1]


def _read(content: bytes) -> tuple[tuple[str, ...], str]:
    try:
        said = json.loads(content)
        return tuple(map(str, said["erased"])), str(said.get("reason", ""))
    except (ValueError, KeyError, TypeError, AttributeError):  # not what `erasure` wrote
        return (), ""
