"""Constrained decoding: which tokens keep an answer a JSON text of its schema."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from llguidance import LLMatcher, LLTokenizer
from torch import Tensor

from tetrad.canonical import Json, canonical_json
from tetrad.errors import EngineUnavailable
from tetrad.schemas.patterns import without_control_letters

if TYPE_CHECKING:
    from llguidance._lib import JsonCompileOptions

# One optional space where JSON allows any: free whitespace lets small models write it forever.
_STYLE: JsonCompileOptions = {"whitespace_flexible": True, "whitespace_pattern": " ?"}


class Guide:
    """One answer's way through its grammar."""

    def __init__(self, matcher: LLMatcher) -> None:
        self._matcher = matcher

    def allowed(self, vocabulary: int) -> Tensor:
        """Which tokens may come next."""
        bits = np.frombuffer(self._matcher.compute_bitmask(), dtype=np.uint8)
        return torch.from_numpy(np.unpackbits(bits, bitorder="little")[:vocabulary].astype(bool))

    def take(self, token: int) -> None:
        if not self._matcher.consume_token(token):
            raise EngineUnavailable(f"constrained decoding failed: {self._matcher.get_error()}")

    @property
    def ended(self) -> bool:
        """Nothing can follow: the JSON text is complete."""
        ended: bool = self._matcher.is_stopped()
        return ended


class Grammars:
    """Grammars of JSON schemas over one vocabulary, each compiled once."""

    def __init__(self, tokenizer: Any, *, vocabulary: int, end_tokens: frozenset[int]) -> None:
        self._tokenizer = LLTokenizer(
            tokenizer.to_str(), n_vocab=vocabulary, eos_token=sorted(end_tokens)
        )
        self._compiled = lru_cache(maxsize=64)(self._compile)

    def guide(self, schema: Mapping[str, Json]) -> Guide:
        return Guide(self._compiled(canonical_json(schema)).deep_copy())

    def _compile(self, schema: bytes) -> LLMatcher:
        ordered = _as_followed(json.loads(schema))
        grammar = LLMatcher.grammar_from_json_schema(ordered, overrides=_STYLE)
        matcher = LLMatcher(self._tokenizer, grammar, log_level=0)
        if matcher.is_error():
            raise EngineUnavailable(
                f"constrained decoding cannot follow the output's schema: {matcher.get_error()}"
            )
        return matcher


def _as_followed(schema: Any) -> Any:
    """A schema whose objects are written in the order of `required`, what is optional after it, with
    patterns as the grammar's library writes them.

    The grammar binds an answer to the order of `properties`. That is none of a schema's meaning and
    not of its digest either, while `required` is a list: equal digests must give equal answers, and
    a tool has to be named before its arguments are.
    """
    if isinstance(schema, list):
        return [_as_followed(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    inner = {key: _as_followed(value) for key, value in schema.items()}
    if isinstance(inner.get("pattern"), str):
        inner["pattern"] = without_control_letters(inner["pattern"])
    properties, required = inner.get("properties"), inner.get("required")
    if isinstance(properties, dict) and isinstance(required, list):
        first = [name for name in required if name in properties]
        inner["properties"] = {name: properties[name] for name in [*first, *properties]}
    return inner
