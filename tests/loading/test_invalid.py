"""Every refused input has an example, and the exact text that a user reads beside it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from goldens import check_golden

from tetrad.errors import SpecError
from tetrad.loading.repositories import load_repository

INVALID = Path(__file__).parent / "invalid"
FILES = sorted((INVALID / "files").glob("*.yaml"))
TREES = sorted(path for path in (INVALID / "trees").iterdir() if path.is_dir())
RECIPES = sorted((INVALID / "recipes").glob("*.yaml"))  # of what cannot be committed


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_file_that_is_refused_is_explained(path: Path, tmp_path: Path) -> None:
    (tmp_path / "prompts").mkdir()
    shutil.copy(path, tmp_path / "prompts" / path.name)

    with pytest.raises(SpecError) as caught:
        load_repository(tmp_path)

    check_golden(path.with_suffix(".errors.txt"), f"{caught.value}\n")


@pytest.mark.parametrize("path", TREES, ids=lambda path: path.name)
def test_a_tree_that_is_refused_is_explained(path: Path) -> None:
    with pytest.raises(SpecError) as caught:
        load_repository(path)

    check_golden(path.with_name(f"{path.name}.errors.txt"), f"{caught.value}\n")


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_a_tree_that_is_made_by_a_recipe_is_explained(path: Path, tmp_path: Path) -> None:
    root = tmp_path / "tree"
    for name, recipe in yaml.safe_load(path.read_text(encoding="utf-8")).items():
        make(root / name, recipe)

    with pytest.raises(SpecError) as caught:
        load_repository(root)

    check_golden(path.with_suffix(".errors.txt"), f"{caught.value}\n")


def make(file: Path, recipe: dict[str, Any]) -> None:
    """A link, or a text that is padded to a number of bytes."""
    file.parent.mkdir(parents=True, exist_ok=True)
    if "links_to" in recipe:
        file.symlink_to(recipe["links_to"])
        return
    text = recipe["begin"]
    missing = recipe.get("pad_with_comments_to", len(text)) - len(text)
    file.write_text(text + "#" * missing, encoding="utf-8")


def test_every_message_of_a_file_stands_beside_an_example() -> None:
    examples = {path.with_suffix(".errors.txt") for path in FILES}
    examples |= {path.with_name(f"{path.name}.errors.txt") for path in TREES}
    examples |= {path.with_suffix(".errors.txt") for path in RECIPES}

    assert examples == set(INVALID.rglob("*.errors.txt"))
