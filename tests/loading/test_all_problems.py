"""A problem in one place hides no problem in another."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from loading.test_invalid import TREES

from tetrad.errors import SpecError
from tetrad.loading.repositories import load_repository


def told(root: Path) -> dict[str, list[str]]:
    """What is wrong with references, by file."""
    with pytest.raises(SpecError) as caught:
        load_repository(root)
    found: dict[str, list[str]] = {}
    for issue in caught.value.issues:
        if issue.code == "SCH107":
            found.setdefault(issue.location.file, []).append(str(issue))
    return found


@pytest.mark.parametrize("tree", TREES, ids=lambda path: path.name)
def test_an_unknown_key_hides_no_reference_of_its_file(tree: Path, tmp_path: Path) -> None:
    root = tmp_path / "tree"
    shutil.copytree(tree, root)
    before = told(root)
    for file in root.rglob("*.yaml"):
        if file.read_text(encoding="utf-8").startswith("kind: "):
            with file.open("a", encoding="utf-8") as stream:
                stream.write("zzz: 1\n")

    assert told(root) == before
