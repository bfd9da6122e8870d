"""The reference pages are made of the schemas; TETRAD_WRITE_GOLDENS=1 makes them anew."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from goldens import check_golden

from tetrad.schemas.check import SCHEMA_KINDS, schema_of

DOCS = Path(__file__).parent.parent.parent / "docs" / "reference"


@pytest.mark.parametrize("kind", SCHEMA_KINDS)
def test_the_reference_page_of_a_kind_is_what_its_schema_says(kind: str) -> None:
    check_golden(DOCS / f"{kind}.md", "\n".join(page(kind)) + "\n")


def page(kind: str) -> Iterator[str]:
    schema = schema_of(kind)
    yield f"# {kind}"
    yield ""
    yield schema["title"]
    yield ""
    yield f"Made from the JSON Schema that `tetrad schema {kind}` prints."
    yield ""
    yield "| key | takes | meaning |"
    yield "|---|---|---|"
    parts = schema.get("$defs", {}) if kind == "golden" else {"": schema}
    for name, part in parts.items():
        yield from rows(part, schema, f"{name}: " if name else "")


def rows(part: Mapping[str, Any], schema: Mapping[str, Any], prefix: str) -> Iterator[str]:
    for name, inner in part.get("properties", {}).items():
        needed = " (required)" if name in part.get("required", ()) else ""
        default = f" Default: `{json.dumps(inner['default'])}`." if "default" in inner else ""
        meaning = f"{inner.get('description', '')}{needed}{default}".replace("|", "\\|")
        yield f"| `{prefix}{name}` | {takes(inner, schema)} | {meaning} |"
        yield from nested(inner, schema, f"{prefix}{name}")


def nested(part: Mapping[str, Any], schema: Mapping[str, Any], name: str) -> Iterator[str]:
    """The rows of what stands inside a key."""
    yield from rows(part, schema, f"{name}.")
    for branch in part.get("oneOf", ()):
        yield from nested(branch, schema, name)
    if isinstance(part.get("additionalProperties"), Mapping):
        yield from nested(part["additionalProperties"], schema, f"{name}.NAME")
    if isinstance(part.get("items"), Mapping):
        yield from nested(part["items"], schema, f"{name}[]")


def takes(part: Mapping[str, Any], schema: Mapping[str, Any]) -> str:
    if "$ref" in part:
        return str(part["$ref"]).rsplit("/", 1)[-1]
    if "const" in part:
        return f"`{part['const']}`"
    if "enum" in part:
        return ", ".join(f"`{option}`" for option in part["enum"])
    if "oneOf" in part and "type" not in part:
        return " or ".join(takes(branch, schema) for branch in part["oneOf"])
    kinds = part.get("type", "anything")
    listed = [kinds] if isinstance(kinds, str) else kinds
    if listed == ["array"] and isinstance(part.get("items"), Mapping):
        return f"list of {takes(part['items'], schema)}"
    return " or ".join(NAMES.get(one, one) for one in listed)


NAMES = {"string": "text", "object": "mapping", "array": "list", "integer": "whole number"}
