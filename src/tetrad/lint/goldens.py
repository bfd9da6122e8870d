"""The golden sets and suites that a lint is asked about, and places in them."""

from __future__ import annotations

from collections.abc import Iterator

from tetrad.errors import Location
from tetrad.lint.finding import Place
from tetrad.lint.tree import LintTree
from tetrad.model import GoldenSet, Suite


def golden_sets(tree: LintTree) -> Iterator[GoldenSet]:
    """The golden sets among the files that the lint is asked about, each once."""
    asked = frozenset(tree.names)
    sets = {suite.golden.path: suite.golden for suite in tree.repository.suites.values()}
    return (golden for path, golden in sets.items() if path in asked)


def suites_of_golden_sets(tree: LintTree) -> Iterator[Suite]:
    """The suites whose golden set is among the files that the lint is asked about."""
    asked = frozenset(tree.names)
    return (s for s in tree.repository.suites.values() if s.golden.path in asked)


def suites(tree: LintTree) -> Iterator[Suite]:
    """The suites among the files that the lint is asked about, of golden sets that load whole."""
    asked = frozenset(tree.names)
    whole = whole_sets(tree)
    return (
        suite
        for suite in tree.repository.suites.values()
        if suite.location.file in asked and suite.golden.path in whole
    )


def whole_sets(tree: LintTree) -> frozenset[str]:
    """The paths of golden sets none of whose files has cases that do not load."""
    ill = {i.location.file for i in tree.issues if i.blocks == "load"}
    sets = (suite.golden for suite in tree.repository.suites.values())
    return frozenset(g.path for g in sets if ill.isdisjoint((g.path, *g.files)))


def place(tree: LintTree, location: Location) -> Place:
    """The place of a case or an assertion, which a suppression in its first line is for."""
    lines = tree.lines(location.file)
    return Place(location.file, lines.token(location.line, location.column), location.line)
