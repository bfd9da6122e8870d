"""Lint: rules over the files of a repository, what they find and how it is fixed.

`read_tree` reads and `lint_tree` judges; `rules.RULES` is the table of rules; `output` renders
findings.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path

from tetrad.lint.engine import lint_tree
from tetrad.lint.finding import Finding
from tetrad.lint.scope import starting_points, tree_of
from tetrad.lint.selection import Selection
from tetrad.lint.tree import CountTokens, LintTree, bytes_of
from tetrad.loading.files import Tree as Folder
from tetrad.loading.repositories import read_tree as read_files
from tetrad.trees import FileTree, WorkingTree

__all__ = ["Finding", "LintTree", "Selection", "lint_tree", "read_tree"]


def read_tree(
    root: Path,
    *,
    asked: Sequence[str] | None,
    today: date,
    count: CountTokens = bytes_of,
    files: FileTree | None = None,
) -> LintTree:
    """Read what is asked for with whatever may use it; None asks for the whole repository.

    `files` are the root's, as an editor holds them.
    """
    files = files or WorkingTree(root)
    whole = asked is None or any(name.endswith("/") for name in asked)
    reading = read_files(Folder(files), None if whole else starting_points(files, asked or ()))
    return tree_of(reading, asked=asked, whole=whole, today=today, count=count)
