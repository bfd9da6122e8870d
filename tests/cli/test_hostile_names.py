"""Names that a stranger gave: a terminal and a CI log obey nothing in them."""

from __future__ import annotations

import re

import pytest
from trees import Tree

NAME = "a\x1b[31mb\x1b]0;title\x07c\u202ed"
ACTIVE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]|^::|^✓ PASSED|##\\[", re.MULTILINE)


@pytest.fixture
def hostile(tree: Tree, capsys: pytest.CaptureFixture[str]) -> Tree:
    """The stack, its prompt and its suite are named by a stranger."""
    for folder, ending in (("stacks", ".yaml"), ("prompts", ".yaml"), ("evals", "")):
        name = tree.root / folder / f"feedback{ending}"
        name.rename(name.with_name(f"{NAME}{ending}"))
    written = NAME.encode("unicode_escape").decode().replace("\\x1b", "\\e").replace("\\x07", "\\a")
    for file, ref in ((f"stacks/{NAME}.yaml", "prompts"), (f"evals/{NAME}/suite.yaml", "stacks")):
        text = (tree.root / file).read_text()
        (tree.root / file).write_text(text.replace(f"{ref}/feedback", f'"{ref}/{written}"'))
    (tree.root / "stacks" / "feedback.lock").unlink()
    tree.tetrad("lock")
    tree.commit()
    edited = tree.root / "prompts" / f"{NAME}.yaml"
    edited.write_text(edited.read_text().replace("is it positive", "is this positive"))
    capsys.readouterr()
    return tree


@pytest.mark.parametrize(
    "command",
    [
        ["plan"],
        ["plan", "--base", "main"],
        ["plan", "--base", "main~1"],
        ["eval"],
        ["gate", "--base", "main"],
        ["gate", "--base", "main~1"],
        ["lock"],
        ["lock", "--check"],
        ["lint"],
        ["show", NAME],
        ["show", "nothing"],
        ["try", NAME, "review=x"],
        ["eval", "nothing"],
        ["pull"],
    ],
)
def test_names_are_inert(
    hostile: Tree, capsys: pytest.CaptureFixture[str], command: list[str]
) -> None:
    hostile.tetrad(*command)

    shown = capsys.readouterr()
    assert ACTIVE.findall(shown.out.removeprefix("✓ PASSED")) == []
    assert ACTIVE.findall(shown.err) == []


@pytest.mark.parametrize("ends", ["\n✓ PASSED", "\r::error::x", "\u2028✓ PASSED"])
@pytest.mark.parametrize("command", [["lint"], ["lint", "--format", "github"], ["plan"], ["gate"]])
def test_a_name_with_a_line_break_is_refused(
    tree: Tree, capsys: pytest.CaptureFixture[str], ends: str, command: list[str]
) -> None:
    (tree.root / "prompts" / f"a{ends}.yaml").write_text("kind: prompt\nnothing: 1\n")

    assert tree.tetrad(*command) in {1, 2}

    shown = capsys.readouterr()
    told = shown.out + shown.err
    assert "the name of this file holds a line break" in " ".join(told.split())
    assert re.search("^✓|^::error::x|\r|\u2028", told, re.MULTILINE) is None
