"""What moves the digest of a suite, and what does not."""

from __future__ import annotations

from pathlib import Path

import pytest

from tetrad.assertions.table import QUESTIONS
from tetrad.canonical import digest_of
from tetrad.identity import component_digest
from tetrad.identity.suite_digest import suite_digest, suite_document
from tetrad.loading.repositories import load_repository

SUITE, GOLDEN = "evals/handbook-qa/suite.yaml", "evals/handbook-qa/golden.yaml"
MODEL, PROMPT = "stacks/models/judge.yaml", "prompts/judge.yaml"
CHECK = """\
- id: checked
  vars: {question: And now?}
  assert:
    - {type: python, value: "file://check.py"}
    - type: python
      value: |
        from lib.inline import ok
        return ok(output)
- id: shaped
  vars: {question: How?}
  assert: [{type: contains, value: "file://wanted.txt", transform: "file://trim.py"}]
"""
CODE = {
    "evals/handbook-qa/check.py": "from rules import ok\ndef get_assert(output, context): return ok(output)\n",
    "evals/handbook-qa/rules.py": "from lib import deep\ndef ok(output): return True\n",
    "evals/handbook-qa/trim.py": "import lib.spaces\ndef get_transform(output, context): return output\n",
    "evals/handbook-qa/wanted.txt": "25\n",
    "lib/deep.py": "X = 1\n",
    "lib/inline.py": "def ok(output): return True\n",
    "lib/spaces.py": "X = 1\n",
    "lib/unused.py": "X = 1\n",
}


@pytest.fixture
def coded(tree: Path) -> Path:
    """The tree with a golden set that runs Python code."""
    for name, text in CODE.items():
        (tree / name).parent.mkdir(exist_ok=True)
        (tree / name).write_text(text)
    (tree / GOLDEN).write_text((tree / GOLDEN).read_text() + CHECK)
    return tree


def digest(tree: Path) -> str:
    return str(suite_digest(load_repository(tree).suites["evals/handbook-qa"]))


def edit(tree: Path, file: str, old: str, new: str) -> None:
    text = (tree / file).read_text()
    assert text.count(old) >= 1, f"{file} lacks {old!r}"
    (tree / file).write_text(text.replace(old, new, 1))


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        (SUITE, "min: 0.7", "min: 0.6"),
        (SUITE, "min: 0.7", "min: 0.7, by: bound"),
        (SUITE, "0.05", "0.06"),
        (SUITE, "tag: safety", "tag: core"),
        (SUITE, "tag: safety", "case: leave-days"),
        (SUITE, "max_flips: 2", "max_flips: 3"),
        (SUITE, "  - {max_flips: 2}\n", ""),
        (SUITE, "max: 0.002", "max: 0.003"),
        (SUITE, "max: 0.002", "max: 0.002, statistic: p95"),
        (SUITE, "max: 0.002", "max: 0.002, increase: 0.1"),
        (SUITE, "[answer, sources]", "[sources, answer]"),
        (SUITE, "[answer, sources]", "[answer, sources, more]"),
        (SUITE, "kind: suite", "kind: suite\ntools: live"),
        (SUITE, ", prompt: prompts/judge", ""),
        (SUITE, "stacks/models/judge,", "stacks/models/qwen3-8b,"),
        (SUITE, "{default: {", "{embedding: {model: stacks/models/minilm-l6-v2}, default: {"),
        (PROMPT, "kind: prompt", "kind: prompt\nstyle: completion"),
        ("prompts/base.yaml", "max_tokens: ", "max_tokens: 1"),
        (MODEL, "model: gpt-5-2026-08-01", "model: gpt-5-2026-09-01"),
        (MODEL, "source: vendor://openai/gpt-5-2026-08-01", "source: vendor://openai/gpt-5-2026-09-01"),
        (GOLDEN, "leave-days", "days-of-leave"),
        (GOLDEN, "How many days", "How many hours"),
        (GOLDEN, "threshold: 0.6", "threshold: 0.5"),
        (GOLDEN, "repeats: 3", "repeats: 2"),
        (GOLDEN, "metric: sources", "metric: answer"),
        (GOLDEN, "tags: [core]", "tags: [core, safety]"),
    ],
)  # fmt: skip
def test_what_decides_moves_it(tree: Path, file: str, old: str, new: str) -> None:
    before = digest(tree)
    edit(tree, file, old, new)

    assert digest(tree) != before


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        (SUITE, "kind: suite", "kind: suite\nowner: '@us'\ndescription: Answers."),
        (SUITE, "kind: suite", "kind: suite\ntools: recorded"),
        (SUITE, "min: 0.7", "min: 0.7, by: value"),
        (SUITE, "0.05", "0.05, by: value"),
        (SUITE, "{metric: answer, min", "{min"),
        (SUITE, "tag: safety", "tag: [safety]"),
        (SUITE, "max: 0.002", "max: 0.002, statistic: mean"),
        (SUITE, "max_flips: 2}", "max_flips: 2}  # two"),
        (MODEL, "input: 0.15", "input: 0.16"),
        (MODEL, "LLM_URL", "OTHER_URL"),
        (PROMPT, "Grades an answer.", "Grades answers."),
        (GOLDEN, "source: made up", "source: made up again"),
        (GOLDEN, ", metric: answer}", "}"),
        (GOLDEN, "weight: 2\n      metric: answer", "weight: 2"),
        (GOLDEN, ", judge: default", ""),
        (GOLDEN, "threshold: 0.5\n", "threshold: 0.50\n"),
        ("stacks/handbook-qa.yaml", "top_k: 3", "top_k: 4"),
    ],
)  # fmt: skip
def test_what_decides_nothing_moves_nothing(tree: Path, file: str, old: str, new: str) -> None:
    edit(tree, GOLDEN, "- vars: {question: And then?}", "- vars: {question: And then?, message: x}")
    before = digest(tree)
    edit(tree, file, old, new)

    assert digest(tree) == before


def test_another_stack_to_judge_moves_nothing(tree: Path) -> None:
    before = digest(tree)
    text = (tree / "stacks/handbook-qa.yaml").read_text()
    (tree / "stacks/handbook-two.yaml").write_text(text)
    edit(tree, SUITE, "[stacks/handbook-qa]", "[stacks/handbook-qa, stacks/handbook-two]")

    assert digest(tree) == before


def test_the_precision_of_a_judge_moves_it(tree: Path) -> None:
    edit(tree, SUITE, "stacks/models/judge,", "stacks/models/smollm2-135m,")
    before = digest(tree)
    edit(tree, "stacks/models/smollm2-135m.yaml", "float32", "bfloat16")

    assert digest(tree) != before


def test_the_questions_of_judges_are_part_of_it_where_a_judge_is_asked(tree: Path) -> None:
    asks = suite_document(load_repository(tree).suites["evals/handbook-qa"])
    edit(
        tree,
        GOLDEN,
        "llm-rubric, value: says that it is not in the handbook, judge: default",
        ("similar, value: It is not in the handbook."),
    )
    edit(
        tree,
        SUITE,
        "default: {model: stacks/models/judge, prompt: prompts/judge}",
        ("embedding: {model: stacks/models/minilm-l6-v2}"),
    )
    repository = load_repository(tree)

    compares = suite_document(repository.suites["evals/handbook-qa"])

    embedder = component_digest(repository.models["stacks/models/minilm-l6-v2"])
    assert asks["questions"] == {name: str(digest_of(q)) for name, q in QUESTIONS.items()}
    assert compares["questions"] == {}
    assert compares["judges"] == {"embedding": {"model": str(embedder), "prompt": None}}


def test_which_of_two_judges_grades_moves_it(tree: Path) -> None:
    edit(tree, SUITE, "{default: {", "{strict: {model: stacks/models/judge}, default: {")
    before = digest(tree)
    edit(tree, GOLDEN, "judge: default", "judge: strict")

    assert digest(tree) != before


def test_moving_a_suites_parts_moves_nothing(tree: Path) -> None:
    before = digest(tree)
    (tree / "prompts/team").mkdir(exist_ok=True)
    (tree / "stacks/models/judge.yaml").rename(tree / "stacks/models/grader.yaml")
    (tree / PROMPT).rename(tree / "prompts/team/judge.yaml")
    (tree / GOLDEN).rename(tree / "evals/handbook-qa/cases.yaml")
    edit(tree, SUITE, "stacks/models/judge", "stacks/models/grader")
    edit(tree, SUITE, "prompts/judge", "prompts/team/judge")
    edit(tree, SUITE, "golden.yaml", "cases.yaml")

    assert digest(tree) == before


@pytest.mark.parametrize("file", [name for name in CODE if name != "lib/unused.py"])
def test_code_and_what_it_imports_move_it(coded: Path, file: str) -> None:
    before = digest(coded)
    (coded / file).write_text((coded / file).read_text() + "# more\n")

    assert digest(coded) != before


@pytest.mark.parametrize("line", ["description: Checked.", "metadata: {level: 2}"])
def test_what_code_is_told_of_its_case_moves_it(coded: Path, line: str) -> None:
    before = digest(coded)
    edit(coded, GOLDEN, "- id: checked", f"- id: checked\n  {line}")

    assert digest(coded) != before


def test_a_module_that_nothing_imports_moves_nothing(coded: Path) -> None:
    before = digest(coded)
    (coded / "lib/unused.py").write_text("X = 2\n")

    assert digest(coded) == before


def test_the_line_ends_of_a_checkout_move_nothing(coded: Path) -> None:
    before = digest(coded)
    for file in coded.rglob("*"):
        if file.is_file():
            file.write_bytes(file.read_bytes().replace(b"\n", b"\r\n"))

    assert digest(coded) == before


def test_the_files_of_code_are_those_of_the_golden_set(coded: Path) -> None:
    golden = load_repository(coded).suites["evals/handbook-qa"].golden

    files = {file for files in golden.code.values() for file in files}
    assert files == {f for f in CODE if f.endswith(".py") and f != "lib/unused.py"}
    assert files < set(golden.files)
    assert set(golden.code["evals/handbook-qa/trim.py"]) == {
        "evals/handbook-qa/trim.py",
        "lib/spaces.py",
    }
