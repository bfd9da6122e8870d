"""The kinds of files, each with a JSON Schema in this folder."""

from __future__ import annotations

from typing import Literal, TypeAlias, get_args

Kind: TypeAlias = Literal[
    "prompt", "model", "corpus", "tool", "stack", "environment", "suite", "waivers"
]
KINDS: tuple[Kind, ...] = get_args(Kind)
