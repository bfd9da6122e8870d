"""Published digests are recomputed forever, and held against plain SHA-256 over plain files."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from tetrad.canonical import canonical_json
from tetrad.identity import (
    behaviour,
    component_digest,
    identity_document,
    identity_of,
    short,
    written_identity,
)
from tetrad.identity.behaviour import Component
from tetrad.loading.repository import load_repository
from tetrad.model import Repository

VECTORS = Path(__file__).parent / "vectors"
LINES = (VECTORS / "SHA256SUMS").read_text().splitlines()
PUBLISHED = {name: digest for digest, name in (line.split("  ") for line in LINES)}


@pytest.fixture(scope="module")
def repository() -> Repository:
    return load_repository(VECTORS / "tree")


def components(repository: Repository) -> dict[str, Component]:
    found: dict[str, Component] = {}
    for kind in (repository.prompts, repository.models, repository.corpora, repository.tools):
        found.update(kind)
    return {f"{ref}.json": component for ref, component in found.items()}


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_published_digest_is_the_sha256_of_the_bytes_beside_it(name: str) -> None:
    assert PUBLISHED[name] == hashlib.sha256((VECTORS / name).read_bytes()).hexdigest()


def test_every_component_gives_the_published_bytes(repository: Repository) -> None:
    for name, component in components(repository).items():
        assert (VECTORS / name).read_bytes() == canonical_json(behaviour(component))
        assert PUBLISHED[name] == component_digest(component).hex


def test_every_stack_gives_the_published_identity(repository: Repository) -> None:
    for ref, stack in repository.stacks.items():
        assert (VECTORS / f"{ref}.json").read_bytes() == canonical_json(identity_document(stack))
        assert PUBLISHED[f"{ref}.json"] == identity_of(stack).hex


def test_an_identity_is_written_with_its_scheme_and_shown_by_twelve_digits(
    repository: Repository,
) -> None:
    digest = identity_of(repository.stacks["stacks/triage"])

    assert written_identity(digest) == f"tetrad:{PUBLISHED['stacks/triage.json']}"
    assert short(digest) == PUBLISHED["stacks/triage.json"][:12]


def test_no_vector_is_left_over(repository: Repository) -> None:
    stacks = {f"{ref}.json" for ref in repository.stacks}

    assert set(PUBLISHED) == stacks | set(components(repository))


def test_the_documentation_publishes_the_same_identities() -> None:
    text = (VECTORS.parent.parent.parent / "docs" / "identity.md").read_text(encoding="utf-8")

    for name, digest in PUBLISHED.items():
        assert digest in text, f"docs/identity.md lacks the digest of {name}"
