"""Trees whose stacks answer with the embedded model."""

from __future__ import annotations

from pathlib import Path

import pytest
from trees import Tree

from tetrad.artifacts.fetch import missing
from tetrad.artifacts.store import store_from_environment
from tetrad.cli import main
from tetrad.loading.repositories import load_repository

FILES = Path(__file__).parent / "handbook"


@pytest.fixture(scope="session")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `tetrad init` creates with the embedded model, and a stack that retrieves."""
    root = tmp_path_factory.mktemp("embedded")
    main(["init", str(root), "--engine", "embedded"])
    for file in sorted(FILES.rglob("*")):
        if file.is_file():
            target = root / file.relative_to(FILES)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(file.read_bytes())
    main(["--root", str(root), "lock"])
    store = store_from_environment()
    for model in load_repository(root).models.values():
        if missing(model, store):
            pytest.skip(f"{model.ref} is not in the cache: `make models` fetches it")
    return root


@pytest.fixture
def tree(embedded: Path, tmp_path: Path) -> Tree:
    """A copy of it, committed on the branch main; answers are kept across the tests of a session."""
    root = tmp_path / "repository"
    root.mkdir()
    for file in embedded.rglob("*"):
        if file.is_file() and ".git" not in file.parts:
            target = root / file.relative_to(embedded)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(file.read_bytes())
    tree = Tree(root)
    tree.git("init", "--quiet", "--initial-branch", "main")
    tree.commit()
    return tree
