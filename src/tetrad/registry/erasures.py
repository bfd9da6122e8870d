"""What the content of an erasure says: which contents were erased, and why."""

from __future__ import annotations

import json
from collections.abc import Iterable

from tetrad.canonical import Digest, canonical_json

# What was signed about an identity holds digests and no texts, and is needed to verify it.
SIGNED = frozenset({"evidence", "approval", "admission", "withdrawal", "deployment"})


def erasure(contents: Iterable[Digest], reason: str) -> bytes:
    return canonical_json({"erased": [str(digest) for digest in contents], "reason": reason})


def erased_by(content: bytes) -> tuple[str, ...]:
    """The digests that an erasure names."""
    try:
        said = json.loads(content)
        return tuple(map(str, said["erased"]))
    except (ValueError, KeyError, TypeError):  # not what `erasure` wrote
        return ()
