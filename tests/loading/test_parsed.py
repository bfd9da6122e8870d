"""Two trees that share what their files were read as say what each says alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from tetrad.cli import main
from tetrad.loading.files import Tree
from tetrad.loading.parsed import Parsed
from tetrad.loading.repositories import Reading, read_tree
from tetrad.trees import WorkingTree

GOLDEN = "evals/feedback/golden.yaml"
ONE = "- id: one\n  vars: {review: %s}\n  assert:\n  - %s\n"
EQUAL = "{type: equals, value: positive}"


@pytest.mark.parametrize(
    ("golden", "file", "before", "after"),
    [
        (ONE % ("Good.", EQUAL), "README.md", "a", "b"),
        (ONE % ("file://a.txt", EQUAL), "evals/feedback/a.txt", "Good.", "Bad."),
        (ONE % ("'file://*.txt'", EQUAL), "evals/feedback/b.txt", "Good.", None),
        (
            ONE % ("Good.", "{type: python, value: 'import rules; return rules.OK'}"),
            "rules.py",
            "OK = 1\n",
            "OK = 0\n",
        ),
        (
            ONE % ("Good.", "{type: python, value: 'import rules; return rules.OK'}"),
            "rules.py",
            None,
            "OK = 0\n",
        ),
        (ONE % ("Good.", "{type: python, value: file://a.py}"), "evals/feedback/a.py", "1", "2"),
        (ONE % ("Good.", EQUAL), GOLDEN, ONE % ("Bad.", EQUAL), ONE % ("Fine.", EQUAL)),
        (ONE % ("[Good., Bad.]", EQUAL), "README.md", "a", "b"),
        (ONE % ("Good.", "{type: nothing}"), "README.md", "a", "b"),
    ],
)
def test_a_tree_is_read_as_it_would_be_alone(
    tmp_path: Path, golden: str, file: str, before: str | None, after: str | None
) -> None:
    shared = Parsed()
    for name, text in (("first", before), ("second", after), ("third", before)):
        root = tmp_path / name
        main(["init", str(root), "--engine", "scripted"])
        (root / GOLDEN).write_text(golden)
        if text is not None:
            (root / file).write_text(text)

        alone = read_tree(Tree(WorkingTree(root)))
        assert said(read_tree(Tree(WorkingTree(root)), None, shared)) == said(alone)


def said(reading: Reading) -> object:
    repository = reading.repository
    suites = {
        ref: (suite, suite.golden.digest, suite.golden.code)
        for ref, suite in repository.suites.items()
    }
    return reading.issues, reading.seen, suites, repository.stacks, repository.prompts


def test_what_both_have_is_read_once(tmp_path: Path) -> None:
    shared = Parsed()
    readings = []
    for name in ("first", "second"):
        main(["init", str(tmp_path / name), "--engine", "scripted"])
        readings.append(read_tree(Tree(WorkingTree(tmp_path / name)), None, shared))

    first, second = (reading.documents for reading in readings)
    assert first.keys() == second.keys()
    assert all(first[file] is second[file] for file in first)
