from __future__ import annotations

import os
from pathlib import Path

import pytest
from checkouts import commit, run


@pytest.fixture(autouse=True)
def _no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", os.devnull)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """`main` with two files, one of them in a folder `system/`."""
    root = tmp_path / "repository"
    root.mkdir()
    run(root, "init", "--quiet", "--initial-branch=main")
    commit(root, {"README.md": "one", "system/prompts/a.yaml": "kind: prompt"})
    return root
