from collections.abc import Iterator
from pathlib import Path

import pytest
from evidenced import gated_tree
from probed import Vendor, answering_vendor
from trees import Tree, scripted_tree


@pytest.fixture
def tree(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Tree:
    """A committed repository with one scripted stack; what it took to make is not captured."""
    made = scripted_tree(tmp_path / "repository")
    capsys.readouterr()
    return made


@pytest.fixture(scope="session")
def gated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with keys, and a repository whose report is there and passed; it is copied."""
    folder = tmp_path_factory.mktemp("gated")
    gated_tree(folder)
    return folder


@pytest.fixture
def vendor(monkeypatch: pytest.MonkeyPatch) -> Iterator[Vendor]:
    with answering_vendor(monkeypatch) as found:
        yield found
