"""Work grows with what is looked at, not with its square; it is counted in calls.

What one call of C does is not in the count, so the campaign compares processor times as well.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from types import FrameType

import pytest

from tetrad.identity.lock import dump_lock, lock_of, path_of
from tetrad.lint import lint_tree, read_tree
from tetrad.lint.output import render
from tetrad.loading.repositories import load_repository

TODAY = date(2026, 11, 21)
FEW, MANY = 8, 64
# Calls a piece may grow by this much from FEW to MANY; a loop over all in each would be 8 times.
ROOM = 1.2

PROMPT = """\
kind: prompt
variables:
  message: {{type: string, trust: untrusted, max_chars: 100}}
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
    tree = read_tree(root, asked=None, today=TODAY)
    render("text", lint_tree(tree), tree)


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


Shape = Callable[[int], Mapping[str, str]]
TOP = "kind: prompt\nvariables:\n  message: {type: string, trust: untrusted}\nmessages:\n"
ASK = "  - {role: user, content: '<m>{{ message }}</m>'}\n"


def prompt(begin: str, piece: str, end: str = "") -> Shape:
    """A prompt of many pieces; N in one stands for its number."""
    return lambda count: {"prompts/p-0.yaml": begin + _pieces(piece, count) + end}


def golden(piece: str, ending: str = "yaml", begin: str = "") -> Shape:
    """A golden set of many pieces."""
    return lambda count: {
        "evals/e-0/suite.yaml": SUITE.format(n=0).replace(".yaml", f".{ending}"),
        f"evals/e-0/golden.{ending}": begin + _pieces(piece, count),
    }


def waivers(piece: str) -> Shape:
    return lambda count: {"waivers.yaml": "kind: waivers\nwaivers:\n" + _pieces(piece, count)}


def _pieces(piece: str, count: int) -> str:
    return "".join(piece.replace("NUMBER", str(number)) for number in range(count))


CASE = "- {id: c-NUMBER, vars: {message: m NUMBER}, assert: [{type: contains, value: a}]}\n"
SHAPES: Mapping[str, Shape] = {
    "unknown keys": prompt(TOP + ASK, "key-NUMBER: 1\n"),
    "unknown keys on one line": prompt(TOP + ASK + "output: {", "key-NUMBER: 1, ", "last: 1}\n"),
    "lines of a text that are not indented": prompt(
        TOP + "  - role: user\n    content: |\n      a\n", "line-NUMBER: b\n"
    ),
    "suppressions alone": prompt(TOP + ASK, "# tetrad: allow unused-variable -- it waits\n"),
    "suppressions in lines": prompt(
        "kind: prompt\nvariables:\n",
        "  vNUMBER: {}  # tetrad: allow unused-variable -- it waits\n",
        "messages:\n" + ASK,
    ),
    "variables that are written": prompt(
        "kind: prompt\nvariables: {message: {}}\nmessages:\n  - role: user\n    content: |\n",
        "      <a{% if message %}> {{ message }} NUMBER{% endif %}\n",
    ),
    "variables that are not declared": prompt(
        "kind: prompt\nmessages:\n  - role: user\n    content: |\n", "      {{ vNUMBER }} a\n"
    ),
    "messages": prompt(TOP, "  - {role: user, content: 'NUMBER {{ message }}'}\n"),
    "examples that lack a variable": prompt(
        TOP + ASK + "examples:\n", "  - {vars: {mesage: a}, output: b}\n"
    ),
    "an enum with an entry twice": prompt(
        TOP + ASK + "output:\n  enum:\n", "    - e-NUMBER\n", "    - e-0\n"
    ),
    "cases": golden(CASE),
    "rows that are no cases": golden("- {prompt: q NUMBER, answer: a}\n"),
    "rows of JSON that are no cases": golden('{"prompt": "q", "answer": NUMBER}\n', "jsonl"),
    "cases with the same variables": golden(
        "- {vars: {message: a}, assert: [{type: contains, value: a NUMBER}]}\n"
    ),
    "cases that contradict": golden(
        "- {vars: {message: a}, assert: [{type: equals, value: a NUMBER}]}\n"
    ),
    "assertions of one case": golden(
        "    - {type: contains, value: a NUMBER}\n",
        begin="- id: a\n  vars: {message: b}\n  assert:\n",
    ),
    "cases that name what is not there": golden(CASE.replace("contains", "contians")),
    "waivers of nothing": waivers(
        '  - {rule: TPL203, file: a-NUMBER, reason: a, owner: "@a", until: "2027-01-01"}\n'
    ),
    "waivers that are none": waivers("  - {rulle: TPL203, file: a-NUMBER}\n"),
}


def promptfoo(begin: str, piece: str) -> Shape:
    return lambda count: {"evals/e-0/golden.yaml": begin + _pieces(piece, count)}


def table(header: str, row: str) -> Shape:
    return golden(row, "csv", header)


def columns(count: int) -> Mapping[str, str]:
    names, cells = "".join(f",__x{n}" for n in range(count)), ",b" * count
    return golden(f"a{cells}\n", "csv", f"message{names}\n")(1)


def of_suite(piece: str, begin: str = "", suite: str = SUITE) -> Shape:
    return lambda count: {"evals/e-0/suite.yaml": suite.format(n=0) + begin + _pieces(piece, count)}


TEST = "tests:\n- {vars: {message: a}, assert: [{type: contains, value: a}]}\n"
# Further files in which one thing is wrong, or is there, very often.
FURTHER: Mapping[str, Shape] = {
    "names that are none": prompt(
        "kind: prompt\nvariables:\n", "  v-NUMBER: {type: string}\n", "messages:\n" + ASK
    ),
    "variables that are none": prompt(
        "kind: prompt\nvariables:\n", "  vNUMBER: 3\n", "messages:\n" + ASK
    ),
    "keys that variables do not have": prompt(
        "kind: prompt\nvariables:\n", "  vNUMBER: {tipe: string}\n", "messages:\n" + ASK
    ),
    "messages that are none": prompt(TOP, "  - {role: usr, content: a}\n"),
    "a key again and again": prompt(TOP + ASK, "version: 1\n"),
    "cases of one id": golden(CASE.replace("c-NUMBER", "a")),
    "assertions of a type that is none": golden(
        "    - {type: contians, value: a NUMBER}\n",
        begin="- id: a\n  vars: {message: b}\n  assert:\n",
    ),
    "tags": golden("    - t-NUMBER\n", begin="- id: a\n  vars: {message: b}\n  tags:\n"),
    "rows of JSON that are broken": golden('{"vars": {"message": "NUMBER"\n', "jsonl"),
    "rows of JSON with a key twice": golden(
        '{"vars": {"message": "NUMBER", "message": "b"}}\n', "jsonl"
    ),
    "rows of CSV that are too long": table("message,__expected\n", "a NUMBER,b,c,d\n"),
    "rows of CSV with a wrong assertion": table("message,__expected\n", "a NUMBER,contians: b\n"),
    "columns of CSV": columns,
    "keys that promptfoo does not have": promptfoo(TEST, "key-NUMBER: 1\n"),
    "tests with keys that promptfoo does not have": promptfoo(
        "tests:\n", "- {vars: {message: a NUMBER}, asert: [{type: contains, value: a}]}\n"
    ),
    "a test with keys that promptfoo does not have": promptfoo(
        "tests:\n- vars: {message: a}\n", "  key-NUMBER: 1\n"
    ),
    "assertions of promptfoo's that are not read": promptfoo(
        "tests:\n", "- {vars: {message: a NUMBER}, assert: [{type: javascript, value: a}]}\n"
    ),
    "stacks that are not there": of_suite(
        "- stacks/x-NUMBER\n", suite="kind: suite\ngolden: ./golden.yaml\nstacks:\n"
    ),
    "requirements on metrics that are none": of_suite(
        "- {metric: a-NUMBER, min: 0.5}\n", "gate:\n"
    ),
    "cases that must pass and are none": of_suite("- {must_pass: {case: a-NUMBER}}\n", "gate:\n"),
    "judges that are not there": of_suite("  jNUMBER: {model: stacks/models/x}\n", "judges:\n"),
    "acceptances of nothing": waivers(
        '  - {accept: yardstick, suite: evals/e-0, case: c-NUMBER, reason: a, owner: "@a"}\n'
    ),
    "waivers of cases that are none": waivers(
        '  - {case: evals/e-0#c-NUMBER, accept: broken, reason: a, owner: "@a",'
        ' until: "2027-01-01"}\n'
    ),
}


def lay_down_shape(root: Path, shape: Shape, pieces: int) -> None:
    lay_down(root, 1)
    for path, text in shape(pieces).items():
        (root / path).write_text(text, encoding="utf-8")


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_work_grows_as_a_file(shape: Shape, tmp_path: Path) -> None:
    for pieces in (0, 40, 80):
        lay_down_shape(tmp_path / str(pieces), shape, pieces + 101)
    lint(tmp_path / "0")

    none, few, many = (calls_of(lint, tmp_path / str(pieces)) for pieces in (0, 40, 80))

    assert many - none <= 2 * (few - none) * ROOM


@pytest.mark.campaign
@pytest.mark.parametrize("shape", [*SHAPES.values(), *FURTHER.values()], ids=[*SHAPES, *FURTHER])
def test_time_grows_as_a_file(shape: Shape, tmp_path: Path) -> None:
    for pieces in (1_000, 8_000):
        lay_down_shape(tmp_path / str(pieces), shape, pieces)
    few, many = (lint_time(tmp_path / str(pieces)) for pieces in (1_000, 8_000))
    if many > 8 * few * 2:  # a neighbour on the cores costs processor time as well, now and then
        few, many = (least_lint_time(tmp_path / str(pieces)) for pieces in (1_000, 8_000))

    assert many <= 8 * few * 2


def least_lint_time(root: Path) -> float:
    return min(lint_time(root) for _ in range(3))


def lint_time(root: Path) -> float:
    begun = time.process_time()
    lint(root)
    return time.process_time() - begun
