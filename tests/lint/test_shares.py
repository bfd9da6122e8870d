"""What is judged together lies in one share, so that a process finds what one for all would."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from tetrad.lint.shares import shares_of
from tetrad.loading.files import Tree
from tetrad.trees import WorkingTree

MODEL = "kind: model\nsource: vendor://a/b\n"
ONE: Mapping[str, str] = {
    f"{place.replace('N', str(n))}": text.replace("N", str(n))
    for n in range(8)
    for place, text in {
        "prompts/pN.yaml": "kind: prompt\nmessages: [{role: user, content: file://sN.md}]\n",
        "prompts/sN.md": "Sort it.\n",
        "stacks/sN.yaml": "kind: stack\nprompt: prompts/pN\nmodel: stacks/models/m\n",
        "evals/N/suite.yaml": "kind: suite\nstacks: [stacks/sN]\ngolden: ./golden.yaml\n",
        "evals/N/golden.yaml": f"- {{id: a, vars: {{message: {'x' * 400}}}}}\n",
    }.items()
} | {"stacks/models/m.yaml": MODEL}  # fmt: skip
# Further files, and which components are to lie in one share.
TOGETHER: Mapping[str, tuple[Mapping[str, str], frozenset[str]]] = {
    "a stack with its prompt and suite": (
        {},
        frozenset({"prompts/p3.yaml", "stacks/s3.yaml", "evals/3/suite.yaml"}),
    ),
    "a model with one of its users": ({}, frozenset({"stacks/models/m.yaml", "stacks/s0.yaml"})),
    "a prompt with the one that it extends": (
        {"prompts/more.yaml": "kind: prompt\nextends: ./p7\n"},
        frozenset({"prompts/more.yaml", "prompts/p7.yaml", "stacks/s7.yaml"}),
    ),
    "prompts that name one text": (
        {"prompts/p5.yaml": "kind: prompt\nmessages: [{role: user, content: file://./s6.md}]\n"},
        frozenset({"prompts/p5.yaml", "prompts/p6.yaml", "stacks/s6.yaml"}),
    ),
    "suites of one golden set": (
        {
            "evals/1/suite.yaml": "kind: suite\nstacks: [stacks/s1]\ngolden: evals/2/golden.yaml\n",
            "evals/2/suite.yaml": "kind: suite\nstacks: [stacks/s2]\ngolden: evals/2/golden.yaml\n",
        },
        frozenset({"evals/1/suite.yaml", "evals/2/suite.yaml", "stacks/s1.yaml"}),
    ),
}


def lay_down(root: Path, files: Mapping[str, str]) -> Tree:
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")
    return Tree(WorkingTree(root))


@pytest.mark.parametrize("number", [2, 3])
@pytest.mark.parametrize("case", TOGETHER.values(), ids=TOGETHER)
def test_what_is_judged_together_lies_in_one_share(
    case: tuple[Mapping[str, str], frozenset[str]], number: int, tmp_path: Path
) -> None:
    further, together = case
    tree = lay_down(tmp_path, {**ONE, **further})

    shares = shares_of(tree, tree.components(), number)

    assert sorted(file for share in shares for file in share) == list(tree.components())
    assert len(shares) == number
    assert all(len(share) >= 5 for share in shares)
    assert any(together <= set(share) for share in shares)


def test_what_hangs_together_is_one_share(tmp_path: Path) -> None:
    every = ", ".join(f"stacks/s{n}" for n in range(8))
    suite = f"kind: suite\nstacks: [{every}]\ngolden: evals/1/golden.yaml\n"
    tree = lay_down(tmp_path, {**ONE, "evals/all/suite.yaml": suite})

    (share,) = shares_of(tree, tree.components(), 2)

    assert share == list(tree.components())
