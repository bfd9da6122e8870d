"""However a file is damaged, lint ends in findings that every format can show, never in a traceback."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest
from lint.case_files import TODAY
from loading.damage import one_file_damaged, small_repository

from tetrad.lint import lint_tree, read_tree
from tetrad.lint.fixes import fixed_texts
from tetrad.lint.output import FORMATS, render


def lint_damaged(root: Path, seeds: Iterable[int]) -> None:
    for seed in seeds:
        with one_file_damaged(root, seed):
            tree = read_tree(root, asked=None, today=TODAY)
            findings = lint_tree(tree)
            fixed_texts(findings, tree.texts, unsafe=True)
            for form in FORMATS:
                render(form, findings, tree).encode()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return small_repository(tmp_path)


def test_a_damaged_file_ends_in_findings(root: Path) -> None:
    lint_damaged(root, range(100))


@pytest.mark.campaign
def test_twelve_thousand_damaged_files_end_in_findings(root: Path) -> None:
    lint_damaged(root, range(1_000, 13_000))
