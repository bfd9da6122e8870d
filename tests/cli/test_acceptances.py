"""Lines that accept something of the base's yardstick, once their change is merged."""

from __future__ import annotations

import pytest
from trees import Tree

from tetrad.errors import ExitCode

LINES = """\
  - {accept: yardstick, suite: evals/feedback, case: irony, reason: Wrong label., owner: "@lead"}
  # Lamps are sold no more.
  - accept: yardstick
    suite: evals/feedback
    tag: lamps
    reason: Gone.
    owner: "@lead"
"""
KEPT = '  - {case: evals/feedback#irony, accept: broken, reason: Soon., owner: "@l", until: 2999-01-01}\n'


def written(tree: Tree, lines: str) -> None:
    (tree.root / "waivers.yaml").write_text(f"kind: waivers\nwaivers:\n{lines}")


def test_a_line_of_this_change_is_no_finding(
    tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    tree.git("checkout", "--quiet", "-b", "feature")
    written(tree, LINES)
    tree.commit()

    assert tree.tetrad("lint") == ExitCode.PASSED
    assert "merged" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("lines", "left"),
    [
        (LINES, "kind: waivers\nwaivers: []\n  # Lamps are sold no more.\n"),
        (LINES + KEPT, f"kind: waivers\nwaivers:\n  # Lamps are sold no more.\n{KEPT}"),
    ],
)
def test_a_merged_line_is_a_finding_that_a_fix_removes(
    lines: str, left: str, tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    written(tree, lines)
    tree.commit()
    tree.git("checkout", "--quiet", "-b", "next")

    assert tree.tetrad("lint") == ExitCode.PASSED
    assert capsys.readouterr().out.count("the change that brought this line is merged") == 2

    assert tree.tetrad("lint", "--fix") == ExitCode.PASSED
    assert (tree.root / "waivers.yaml").read_text() == left
