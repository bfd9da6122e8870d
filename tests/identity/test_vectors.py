"""Published digests are recomputed forever, and held against plain SHA-256 over plain files."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

import pytest

from tetrad.assertions.table import QUESTIONS
from tetrad.canonical import Json, canonical_json
from tetrad.golden.digest import case_content
from tetrad.identity import (
    RUNTIME,
    component_digest,
    identity_document,
    identity_of,
    short,
    written_identity,
)
from tetrad.identity.behaviour import behaviour
from tetrad.identity.suite_digest import built_in_prompt, suite_digest, suite_document
from tetrad.loading.repositories import load_repository
from tetrad.model import Repository

VECTORS = Path(__file__).parent / "vectors"
NOW = VECTORS / f"runtime-{RUNTIME}"


def published(folder: Path) -> dict[str, str]:
    lines = (folder / "SHA256SUMS").read_text().splitlines()
    return {name: digest for digest, name in (line.split("  ") for line in lines)}


ALL = [
    (folder, name, digest)
    for folder in sorted([*VECTORS.glob("runtime-*"), *VECTORS.glob("grading-*")])
    for name, digest in published(folder).items()
]
PUBLISHED = published(NOW)


@pytest.fixture(scope="module")
def repository() -> Repository:
    return load_repository(VECTORS / "tree")


def documents(repository: Repository) -> Mapping[str, Json]:
    """Every document that is published, by the file that holds its canonical bytes."""
    components = (repository.prompts, repository.models, repository.corpora, repository.tools)
    found: dict[str, Json] = {
        f"{ref}.json": behaviour(component)
        for kind in components
        for ref, component in kind.items()
    }
    found |= {f"{ref}.json": identity_document(s) for ref, s in repository.stacks.items()}
    for ref, suite in repository.suites.items():
        found[f"{ref}.json"] = suite_document(suite)
        name = suite.golden.path.rpartition(".")[0]
        found[f"{name}.json"] = [case_content(case) for case in suite.golden.cases]
    found |= {f"judging/{name}.json": question for name, question in QUESTIONS.items()}
    return found | {"judging/prompt.json": built_in_prompt()}


@pytest.mark.parametrize(("folder", "name", "digest"), ALL)
def test_a_published_digest_is_the_sha256_of_the_bytes_beside_it(
    folder: Path, name: str, digest: str
) -> None:
    assert digest == hashlib.sha256((folder / name).read_bytes()).hexdigest()


@pytest.mark.parametrize(
    ("folder", "digest"),
    [
        ("runtime-1", "8c1c6cc4af400c63bdcbaee94ffec98f93f4694bed403858d8292d2d12771e1d"),
        ("grading-1", "d730f1a080d157ef1541462eefdb0eea67b20c1811f9a8cef8cdb262414ab5cc"),
    ],
)
def test_what_was_published_earlier_stays(folder: str, digest: str) -> None:
    assert hashlib.sha256((VECTORS / folder / "SHA256SUMS").read_bytes()).hexdigest() == digest


def test_every_document_has_the_published_bytes(repository: Repository) -> None:
    made = {name: canonical_json(document) for name, document in documents(repository).items()}

    assert made == {name: (NOW / name).read_bytes() for name in PUBLISHED}


def test_every_digest_is_the_published_one(repository: Repository) -> None:
    digests = {ref: component_digest(prompt) for ref, prompt in repository.prompts.items()}
    digests |= {ref: component_digest(model) for ref, model in repository.models.items()}
    digests |= {ref: component_digest(corpus) for ref, corpus in repository.corpora.items()}
    digests |= {ref: component_digest(tool) for ref, tool in repository.tools.items()}
    digests |= {ref: identity_of(stack) for ref, stack in repository.stacks.items()}
    digests |= {ref: suite_digest(suite) for ref, suite in repository.suites.items()}
    digests |= {
        suite.golden.path.rpartition(".")[0]: suite.golden.digest
        for suite in repository.suites.values()
    }

    assert {f"{ref}.json": digest.hex for ref, digest in digests.items()} == {
        name: digest for name, digest in PUBLISHED.items() if not name.startswith("judging/")
    }


def test_suites_whose_judges_differ_in_precision_have_two_digests(repository: Repository) -> None:
    one, other = (repository.suites[f"evals/{n}"] for n in ("handbook-qa", "handbook-qa-bf16"))

    assert one.golden.digest == other.golden.digest
    assert suite_digest(one) != suite_digest(other)


def test_an_identity_is_written_with_its_scheme_and_shown_by_twelve_digits(
    repository: Repository,
) -> None:
    digest = identity_of(repository.stacks["stacks/triage"])

    assert written_identity(digest) == f"tetrad:{PUBLISHED['stacks/triage.json']}"
    assert short(digest) == PUBLISHED["stacks/triage.json"][:12]


def test_the_documentation_publishes_the_same_digests() -> None:
    text = (VECTORS.parent.parent.parent / "docs" / "identity.md").read_text(encoding="utf-8")

    for name, digest in PUBLISHED.items():
        assert digest in text, f"docs/identity.md lacks the digest of {name}"
