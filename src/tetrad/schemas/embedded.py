"""A JSON Schema as a part of another one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any


def moved(schema: Any, root: str) -> Any:
    """A JSON Schema whose references, which start at its root, are right when that is at `root`."""
    if isinstance(schema, Mapping):
        return {
            # An anchor is found by its name, wherever it is.
            key: f"{root}{value[1:]}"
            if key == "$ref" and isinstance(value, str) and re.match(r"#(/|\Z)", value)
            else moved(value, root)
            for key, value in schema.items()
            # References would start at an id of its own, which is no place of the whole.
            if not (key == "$id" and isinstance(value, str))
        }
    if isinstance(schema, list | tuple):
        return [moved(item, root) for item in schema]
    return schema
