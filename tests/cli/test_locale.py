"""Names of files are UTF-8, whatever the locale says."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from trees import Tree

ENCODINGS = {
    "UTF-8": {"LC_ALL": "C.UTF-8"},
    "C": {"LC_ALL": "C"},
    # as in a Latin-1 locale, which not every machine has, Python decodes names otherwise
    "ASCII": {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
}


def run(tree: Tree, encoding: str, program: list[str], *arguments: str) -> str:
    done = subprocess.run(
        [*program, *arguments], cwd=tree.root, check=False, capture_output=True,
        env=os.environ | {"NO_COLOR": "1", "CI": "1"} | ENCODINGS[encoding],
    )  # fmt: skip
    return f"{done.returncode}\n{done.stdout.decode()}\n{done.stderr.decode()}"


@pytest.mark.parametrize("encoding", ["C", "ASCII"])
@pytest.mark.parametrize(
    "program",
    [[sys.executable, "-m", "tetrad"], [str(Path(sys.executable).with_name("tetrad"))]],
)
def test_a_system_with_other_letters_is_the_same_in_every_locale(
    tree: Tree, encoding: str, program: list[str]
) -> None:
    (tree.root / "prompts" / "feedback.yaml").rename(tree.root / "prompts" / "größe.yaml")
    tree.edit("stacks/feedback.yaml", "prompts/feedback", "prompts/größe")
    (tree.root / "evals" / "feedback").rename(tree.root / "evals" / "语")
    tree.tetrad("lock")
    tree.commit()
    tree.edit("prompts/größe.yaml", "is it positive", "is this positive")

    for command in (["lint"], ["lock", "--check"], ["plan", "--base", "main"], ["show", "größe"]):
        expected = run(tree, "UTF-8", program, *command)
        assert "größe" in expected or command[0] == "lock"
        assert run(tree, encoding, program, *command) == expected
