"""How often rules are right on prompts as people write them.

A file of `corpus/` holds a list of `{prompt, text, finds}`: a prompt's file, and what a person finds
in it, each as `CODE` or `CODE VARIABLE`. Nothing else that a rule says of it is right.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from lint.case_files import findings_in

from tetrad.lint import Finding
from tetrad.lint.fixes import fixed_texts
from tetrad.lint.pages import MEASURED, MEASURED_PROMPTS
from tetrad.loading.repositories import read_repository
from tetrad.templates.render import compile_template

CORPUS = Path(__file__).parent / "corpus"
FILE = "prompts/p.yaml"
FLOORS = {"error": 0.95, "warning": 0.90, "info": 0.90}
MOST_PROMPTS_WITH_A_FALSE_FINDING = 0.05
LEAST_FOUND = 0.95  # silence is precise too
ROUNDS = 8
OF_STATED = frozenset({"INJ303", "INJ304", "INJ308"})
ONCE_A_PROMPT = frozenset({"INJ300", "INJ304", "INJ308", "OUT704", "TPL211"})


@dataclass(frozen=True)
class Written:
    name: str
    text: str
    finds: frozenset[str]

    def __str__(self) -> str:
        return self.name


@cache
def corpus() -> Sequence[Written]:
    return tuple(
        Written(f"{path.stem}: {raw['prompt']}", raw["text"], frozenset(raw["finds"]))
        for path in sorted(CORPUS.glob("*.yaml"))
        for raw in yaml.safe_load(path.read_text(encoding="utf-8"))
    )


def told(finding: Finding) -> str:
    """A finding as the corpus names it."""
    if finding.code in ONCE_A_PROMPT:
        return finding.code
    of = re.search(r" of '(\w+)',", finding.message) or re.search(r"'(\w+)'", finding.message)
    return f"{finding.code} {of[1]}" if of else finding.code


def written(root: Path, text: str) -> Path:
    path = root / FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return root


@pytest.fixture(scope="module")
def findings(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Sequence[Finding]]:
    root = tmp_path_factory.mktemp("corpus")
    return {str(p): findings_in(written(root, p.text)) for p in corpus()}


def test_the_corpus_is_large_and_names_each_prompt_once() -> None:
    assert len({str(p) for p in corpus()}) == len(corpus()) >= 80


def test_rules_are_right(findings: dict[str, Sequence[Finding]]) -> None:
    made: Counter[tuple[str, str]] = Counter()
    false: Counter[tuple[str, str]] = Counter()
    prompts = set()
    for prompt in corpus():
        for finding in findings[str(prompt)]:
            kind = (finding.code, finding.severity)
            made[kind] += 1
            if told(finding) not in prompt.finds:
                false[kind] += 1
                prompts.add(f"{prompt}: {told(finding)}")

    counted = {
        code: (
            sum(made[k] - false[k] for k in made if k[0] == code),
            sum(made[k] for k in made if k[0] == code),
        )
        for code in sorted({code for code, _ in made})
    }
    assert counted == MEASURED, "tetrad/lint/pages.py publishes these"
    assert len(corpus()) == MEASURED_PROMPTS
    precision = {kind: 1 - false[kind] / count for kind, count in made.items()}
    assert {k: p for k, p in precision.items() if p < FLOORS[k[1]]} == {}, prompts
    share = len({p.rpartition(": ")[0] for p in prompts}) / len(corpus())
    assert share <= MOST_PROMPTS_WITH_A_FALSE_FINDING, prompts


def test_rules_find_what_there_is(findings: dict[str, Sequence[Finding]]) -> None:
    missed = {
        f"{prompt}: {wanted}"
        for prompt in corpus()
        for wanted in prompt.finds - {told(f) for f in findings[str(prompt)]}
    }
    wanted = sum(len(prompt.finds) for prompt in corpus())

    assert 1 - len(missed) / wanted >= LEAST_FOUND, missed


def test_a_variable_is_found_once_in_a_message(findings: dict[str, Sequence[Finding]]) -> None:
    for prompt in corpus():
        kinds = Counter((told(f), f.place.span.line) for f in findings[str(prompt)])
        assert set(kinds.values()) <= {1}, str(prompt)


@pytest.mark.parametrize("prompt", corpus(), ids=str)
def test_unsafe_fixes_harm_no_prompt(prompt: Written, tmp_path: Path) -> None:
    """They add delimiters, and say what was not said; nothing new is found after them.

    Of a text that is now said to be untrusted, more can be said, which is no harm.
    """
    before = findings_in(written(tmp_path, prompt.text))
    fixed = prompt.text
    for _ in range(ROUNDS):
        new = fixed_texts(findings_in(tmp_path), {FILE: fixed}, unsafe=True)
        if new.get(FILE, fixed) == fixed:
            break
        fixed = new[FILE]
        written(tmp_path, fixed)
    after = findings_in(tmp_path)

    assert {told(f) for f in after if f.code not in OF_STATED} <= {told(f) for f in before}
    assert all(f.fix is None for f in after)
    assert list(rendered(tmp_path)) == list(rendered(written(tmp_path, prompt.text)))


def rendered(root: Path) -> Iterator[str]:
    """What the messages say with values that hold no tags, without the tags that stand in them."""
    repository = read_repository(root).repository
    (prompt,) = repository.prompts.values()
    values = {v.name: VALUES[v.type] for v in prompt.variables.values()}
    for message in prompt.messages:
        text = compile_template(message.content).render(values)
        yield re.sub(r"</?[A-Za-z][\w-]*>", "", text)


class _Anything(dict[str, str]):
    """An object that has every key."""

    def __contains__(self, key: object) -> bool:
        return True

    def __missing__(self, key: str) -> str:
        return f"some {key}"


VALUES: Mapping[str, Any] = {
    "string": "some words",
    "integer": 3,
    "number": 0.5,
    "boolean": True,
    "array": [_Anything(), _Anything()],
    "object": _Anything(first="one", second="two"),
}
