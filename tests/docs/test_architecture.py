"""docs/architecture.md names files that exist, and the layers that the import contract has."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
_STAGES = PAGE[PAGE.index("## Stages") : PAGE.index("## Where things go")]


@pytest.mark.parametrize("path", sorted(set(re.findall(r"`([\w/]+\.py)`", PAGE))))
def test_a_module_that_is_named_is_there(path: str) -> None:
    assert (ROOT / "src" / "tetrad" / path).is_file() or (ROOT / path).is_file()


def test_the_stages_are_the_layers_of_the_contract() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    layers = next(c["layers"] for c in contracts["contracts"] if c["type"] == "layers")
    named = [{part.strip() for part in layer.split("|")} for layer in layers]
    stages = [
        set(re.findall(r"`(\w+)`", row))
        for row in re.findall(r"^\| (`.*?) \|", _STAGES, re.MULTILINE)
    ]

    assert [layer for layer in named if layer != {"__main__"}] == stages
