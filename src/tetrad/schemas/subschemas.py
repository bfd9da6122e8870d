"""The schemas within a JSON Schema."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tetrad.yamldoc.document import Path

_BY_NAME = (
    "properties", "patternProperties", "$defs", "definitions", "dependentSchemas", "dependencies",
)  # fmt: skip
_IN_LISTS = ("anyOf", "oneOf", "allOf", "prefixItems", "items")
_SINGLE = (
    "items", "additionalItems", "unevaluatedItems", "contains", "additionalProperties",
    "unevaluatedProperties", "propertyNames", "not", "if", "then", "else", "contentSchema",
)  # fmt: skip


def subschemas(schema: Mapping[str, object]) -> Iterator[tuple[Path, object]]:
    """Them with their paths; values that are data (enum, default) are none."""
    for keyword in _BY_NAME:
        named = schema.get(keyword)
        if isinstance(named, Mapping):
            yield from (((keyword, name), child) for name, child in named.items())
    for keyword in _IN_LISTS:
        listed = schema.get(keyword)
        if isinstance(listed, list | tuple):
            yield from (((keyword, index), child) for index, child in enumerate(listed))
    for keyword in _SINGLE:
        if keyword in schema:
            yield (keyword,), schema[keyword]
