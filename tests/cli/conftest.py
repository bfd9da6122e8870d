from pathlib import Path

import pytest
from trees import Tree, scripted_tree


@pytest.fixture
def tree(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Tree:
    """A committed repository with one scripted stack; what it took to make is not captured."""
    made = scripted_tree(tmp_path / "repository")
    capsys.readouterr()
    return made
