"""Work grows with what is looked at, not with its square; it is counted in calls, never in time."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path
from types import FrameType

import pytest

from tetrad.identity.lock import dump_lock, lock_of, path_of
from tetrad.lint import lint_tree, read_tree
from tetrad.loading.repository import load_repository

TODAY = date(2026, 11, 21)
FEW, MANY = 8, 64
# Calls a piece may grow by this much from FEW to MANY; a loop over all in each would be 8 times.
ROOM = 1.1

PROMPT = """\
kind: prompt
variables:
  message: {{type: string, max_chars: 100}}
messages:
  - role: user
    content: |
      Number {n}. <message>{{{{ message }}}}</message>
"""
STACK = "kind: stack\nprompt: prompts/p-{n}\nmodel: stacks/models/m\n"
SUITE = "kind: suite\nstacks: [stacks/s-{n}]\ngolden: ./golden.yaml\n"
GOLDEN = "- {{id: one, vars: {{message: number {n}}}, assert: [{{type: contains, value: a}}]}}\n"
MODEL = "kind: model\nsource: vendor://openai/gpt-4o-2024-08-06\nengine: {openai: {model: gpt-4o-2024-08-06}}\n"
WAIVER = """\
  - {{rule: TPL203, file: prompts/p-{n}.yaml, reason: It waits., owner: "@us", until: "2027-01-01"}}
"""


def lay_down(root: Path, stacks: int) -> None:
    texts = {"stacks/models/m.yaml": MODEL}
    for n in range(stacks):
        texts |= {
            f"prompts/p-{n}.yaml": PROMPT.format(n=n),
            f"stacks/s-{n}.yaml": STACK.format(n=n),
            f"evals/e-{n}/suite.yaml": SUITE.format(n=n),
            f"evals/e-{n}/golden.yaml": GOLDEN.format(n=n),
        }
    waivers = "".join(WAIVER.format(n=n) for n in range(stacks))
    texts["waivers.yaml"] = f"kind: waivers\nwaivers:\n{waivers}"
    for path, text in texts.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")


def lock(root: Path) -> None:
    repository = load_repository(root)
    for stack in repository.stacks.values():
        written = dump_lock(lock_of(stack, repository.suites_by_stack[stack.ref]))
        (root / path_of(stack)).write_text(written, encoding="utf-8")


def lint(root: Path) -> None:
    lint_tree(read_tree(root, asked=None, today=TODAY))


def calls_of(work: Callable[[Path], None], root: Path) -> int:
    """How many calls a piece of work makes, of Python's functions and of C's."""
    count = 0

    def counted(_frame: FrameType, event: str, _argument: object) -> None:
        nonlocal count
        count += event in {"call", "c_call"}

    sys.setprofile(counted)
    try:
        work(root)
    finally:
        sys.setprofile(None)
    return count


@pytest.mark.parametrize("work", [lint, lock])
def test_work_grows_as_the_repository(work: Callable[[Path], None], tmp_path: Path) -> None:
    lay_down(tmp_path / "few", FEW)
    lay_down(tmp_path / "many", MANY)
    work(tmp_path / "few")  # what is done once a process is done now

    few = calls_of(work, tmp_path / "few") / FEW
    many = calls_of(work, tmp_path / "many") / MANY

    assert many <= few * ROOM
