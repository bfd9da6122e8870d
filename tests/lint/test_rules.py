"""Every rule finds what it should, where it should, and says it in these words."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import pytest
from lint.case_files import Case, all_cases, findings_in, shown, write_files, write_locks

from tetrad.lint.pages import all_pages
from tetrad.lint.rule import Rule
from tetrad.lint.rules import RULES

DOCS = Path(__file__).parents[2] / "docs" / "rules"
CASES: Sequence[Case] = tuple(all_cases())


@pytest.mark.parametrize("case", CASES, ids=str)
def test_rule_finds_exactly_this(case: Case, tmp_path: Path) -> None:
    write_files(tmp_path, case.files)
    if case.locked:
        write_locks(tmp_path)
    found = [shown(f) for f in findings_in(tmp_path) if f.code == case.rule.code]

    assert list(case.findings) == found


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_every_rule_has_a_passing_and_a_failing_case(rule: Rule) -> None:
    kinds = {bool(case.findings) for case in CASES if case.rule is rule}

    assert {True, False} == kinds


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_every_rule_explains_itself_in_four_parts(rule: Rule) -> None:
    parts = re.findall(r"^## (.+)$", rule.explanation, re.MULTILINE)

    assert parts == ["What it does", "Why is this bad?", "Example", "Use instead"]
    assert rule.explanation.startswith(f"Allow {rule.name}: ")


def test_every_rule_has_a_file_of_its_name() -> None:
    modules = [rule.check.__module__.rsplit(".", 1)[-1] for rule in RULES]

    assert [rule.name.replace("-", "_") for rule in RULES] == modules


def test_codes_and_names_are_unique_and_well_formed() -> None:
    assert len(RULES) == len({rule.code for rule in RULES}) == len({rule.name for rule in RULES})
    assert all(re.fullmatch(r"[A-Z]{3}[0-9]{3}", rule.code) for rule in RULES)
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)*", rule.name) for rule in RULES)


@pytest.mark.parametrize("name", all_pages())
def test_the_generated_page_is_the_one_in_docs(name: str) -> None:
    written = (DOCS / name).read_text(encoding="utf-8") if (DOCS / name).exists() else ""

    assert all_pages()[name] == written, "run: python docs/rules/generate.py"


def test_docs_hold_no_page_of_a_rule_that_is_gone() -> None:
    assert set(all_pages()) == {path.name for path in DOCS.glob("*.md")}
