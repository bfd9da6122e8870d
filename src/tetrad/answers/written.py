"""How an answer is written where it is kept: compact JSON."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from tetrad.results.codec import Codec, ShapeError
from tetrad.results.exchange import Completion

_CODEC = Codec()
# Made once: json.dumps with options builds an encoder at each call.
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=dict).encode


def dump_completion(completion: Completion) -> bytes:
    """The answer without what is only so of the call that brought it."""
    written = _encode(_CODEC.dump(replace(completion, cached=False, requests=1)))
    # A model may answer with a lone surrogate (from a JSON escape); UTF-8 proper has no bytes for it.
    return written.encode("utf-8", "surrogatepass")


def load_completion(data: bytes) -> Completion:
    """ValueError for what does not look like an answer as it is written now, or was once."""
    document = json.loads(data)
    if not isinstance(document, dict):
        raise ShapeError("must be an object")
    if isinstance(document.get("usage"), list):
        document = _as_written_now(document)
    document["cached"] = True
    return _CODEC.load(Completion, document)


def _as_written_now(document: dict[str, Any]) -> dict[str, Any]:
    """An answer that an earlier version wrote, with the counts of its usage in a list."""
    counts, others = document["usage"], {k: v for k, v in document.items() if k != "finish"}
    if len(counts) != 3:
        raise ShapeError("must have 3 items", ".usage")
    names = ("input_tokens", "output_tokens", "cached_input_tokens")
    finish = document.get("finish", "stop")
    return {**others, "usage": dict(zip(names, counts, strict=True)), "finish_reason": finish}
