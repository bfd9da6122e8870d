"""What the files of a repository ask of evidence."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from tetrad.canonical import digest_of
from tetrad.evidence import Expected, expected_of, parts_of, required_suites
from tetrad.identity import identity_of
from tetrad.identity.suite_digest import suite_digest, suite_document
from tetrad.loading.repositories import load_repository
from tetrad.model import EvidenceRule, Repository

FORMATS = Path(__file__).parent.parent / "loading" / "valid" / "formats"
QA = "evals/handbook-qa/suite.yaml"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return Path(shutil.copytree(FORMATS, tmp_path / "tree"))


def edit(tree: Path, file: str, old: str, new: str) -> None:
    text = (tree / file).read_text()
    assert old in text
    (tree / file).write_text(text.replace(old, new))


def expected(repository: Repository, stack: str, *suites: str) -> Expected:
    """What production asks of a stack, with further suites that it requires."""
    production = repository.environments["infra/environments/production"]
    rule = EvidenceRule(signers=("ci",), suites=suites)
    return expected_of(repository, repository.stacks[stack], replace(production, evidence=rule))


def test_it_names_the_stack_and_its_identity(tree: Path) -> None:
    repository = load_repository(tree)
    found = expected(repository, "stacks/triage")
    assert found.stack == "stacks/triage"
    assert found.identity == identity_of(repository.stacks["stacks/triage"])


def test_suites_are_those_that_judge_the_stack_and_those_that_the_environment_requires(
    tree: Path,
) -> None:
    repository = load_repository(tree)
    judging = {suite.ref for suite in repository.suites_by_stack["stacks/triage"]}
    assert expected(repository, "stacks/triage").suites.keys() == judging
    assert expected(repository, "stacks/handbook-qa", "evals/safety").suites.keys() == {
        "evals/handbook-qa",
        "evals/safety",
    }


def test_a_stack_that_no_suite_judges_has_none(tree: Path) -> None:
    shutil.rmtree(tree / "evals" / "shop")
    repository = load_repository(tree)
    assert not expected(repository, "stacks/order-desk").suites


def test_no_suite_is_required_twice(tree: Path) -> None:
    repository = load_repository(tree)
    production = repository.environments["infra/environments/production"]
    rule = EvidenceRule(signers=("ci",), suites=("evals/safety",))
    asked = replace(production, evidence=rule)
    suites = required_suites(repository, repository.stacks["stacks/triage"], asked)
    refs = [suite.ref for suite in suites]
    assert "evals/safety" in {s.ref for s in repository.suites_by_stack["stacks/triage"]}
    assert refs.count("evals/safety") == 1


def test_an_environment_without_evidence_requires_what_judges_the_stack(tree: Path) -> None:
    repository = load_repository(tree)
    staging = repository.environments["infra/environments/staging"]
    suites = required_suites(repository, repository.stacks["stacks/handbook-qa"], staging)
    assert [suite.ref for suite in suites] == ["evals/handbook-qa"]


def test_a_suite_is_named_by_its_digest_and_by_those_of_its_parts(tree: Path) -> None:
    suite = load_repository(tree).suites["evals/handbook-qa"]
    document = suite_document(suite)
    parts = parts_of(suite)
    assert parts.digest == suite_digest(suite)
    assert str(parts.golden) == document["golden"]
    assert parts.policy == digest_of({k: document[k] for k in ("gate", "metrics")})
    assert parts.judges == digest_of({k: document[k] for k in ("judges", "questions")})


EDITS = {
    "policy": (QA, "min: 0.7", "min: 0.8"),
    "judges": (QA, ", prompt: prompts/judge", ""),
    "golden": ("evals/handbook-qa/golden.yaml", 'value: "25"', 'value: "26"'),
}


@pytest.mark.parametrize("part", EDITS)
def test_an_edit_moves_the_part_that_it_is_in_alone(tree: Path, part: str) -> None:
    before = parts_of(load_repository(tree).suites["evals/handbook-qa"])
    edit(tree, *EDITS[part])
    after = parts_of(load_repository(tree).suites["evals/handbook-qa"])
    moved = {name for name in before._fields if getattr(before, name) != getattr(after, name)}
    assert moved == {part, "digest"}


def test_models_without_pinned_weights_are_named(tree: Path) -> None:
    assert not expected(load_repository(tree), "stacks/handbook-qa").unpinned
    edit(tree, "stacks/handbook-qa.yaml", "stacks/models/smollm2-135m", "stacks/models/local")
    found = expected(load_repository(tree), "stacks/handbook-qa")
    assert found.unpinned == {"stacks/models/local"}


def test_waivers_of_cases_are_listed_word_by_word(tree: Path) -> None:
    (waiver,) = expected(load_repository(tree), "stacks/triage").waivers
    assert waiver == (
        "evals/triage#late-parcel",
        "The queue was renamed.",
        "@support-lead",
        "2027-01-31",
    )
