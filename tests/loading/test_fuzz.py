"""However a file is damaged, loading it ends in a value or in messages, never in a traceback."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
from loading.damage import one_file_damaged, small_repository

from tetrad.errors import SpecError
from tetrad.loading.repositories import load_repository


def load_damaged(tree: Path, seed: int) -> None:
    with one_file_damaged(tree, seed), suppress(SpecError):
        load_repository(tree)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return small_repository(tmp_path)


def test_a_damaged_file_ends_in_messages(tree: Path) -> None:
    for seed in range(100):
        load_damaged(tree, seed)


@pytest.mark.campaign
def test_twenty_thousand_damaged_files_end_in_messages(tree: Path) -> None:
    for seed in range(1_000, 21_000):
        load_damaged(tree, seed)
