"""Whether a stack may serve an environment, by the files that are checked out and the envelopes here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from tetrad import git
from tetrad.admission.kept_evidence import KeptEvidence
from tetrad.evidence import Verification, expected_of, verify
from tetrad.evidence.verify import admitted
from tetrad.loading.repositories import find
from tetrad.model import Environment, Repository, Stack
from tetrad.snapshots import take_snapshot


@dataclass(frozen=True, kw_only=True, slots=True)
class Question:
    """A stack, and the environment that it is to serve, by the files that are checked out."""

    repository: Repository
    stack: Stack
    environment: Environment


def question(repository: Repository, stack: Stack, environment: str) -> Question:
    """UsageError where there is no such environment."""
    ref = find(repository, environment, repository.environments)
    return Question(repository=repository, stack=stack, environment=repository.environments[ref])


def verified(root: Path, asked: Question) -> Verification:
    """The answer from the envelopes that there are here."""
    expected = expected_of(asked.repository, asked.stack, asked.environment)
    kept = KeptEvidence(root)
    now = datetime.now(UTC)
    return verify(
        expected,
        asked.environment,
        kept.about(expected.identity),
        now=now,
        authors=_authors(root, kept, asked, now),
    )


def _authors(root: Path, kept: KeptEvidence, asked: Question, now: datetime) -> frozenset[str]:
    """Whoever made a commit since the environment last admitted the stack; before the first time,
    whoever made one to the files of the stack.
    """
    rule = asked.environment.approvals
    if rule is None or not rule.not_author:
        return frozenset()
    for admission in admitted(asked.stack.ref, asked.environment, kept.admissions(), now=now):
        if git.is_known(root, admission.commit) and git.is_ancestor(root, admission.commit, "HEAD"):
            return git.authors(root, admission.commit, "HEAD")
    paths = take_snapshot(asked.repository.files, asked.stack.ref).files
    return git.authors(root, None, "HEAD", sorted(paths))
