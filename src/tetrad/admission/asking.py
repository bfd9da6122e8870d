"""Whether a stack may serve an environment, by the files that are checked out and the envelopes here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from tetrad import git
from tetrad.admission.kept_evidence import KeptEvidence
from tetrad.admission.withdrawn import withdrawn_from
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
    with KeptEvidence(root) as kept:
        now = datetime.now(UTC)
        withdrawn = withdrawn_from(root, asked.environment, asked.stack)
        return _verified(kept, asked, now, _authors(root, kept, asked, now), withdrawn)


def has_evidence(kept: KeptEvidence, asked: Question) -> bool:
    """Whether nothing but approvals is missing to a yes; who wrote what is not looked at."""
    return _verified(kept, asked, datetime.now(UTC), frozenset()).has_evidence


def _verified(
    kept: KeptEvidence,
    asked: Question,
    now: datetime,
    authors: frozenset[str],
    withdrawn: str = "",
) -> Verification:
    expected = expected_of(asked.repository, asked.stack, asked.environment)
    envelopes = kept.about(expected.identity)
    return verify(
        expected, asked.environment, envelopes, now=now, authors=authors, withdrawn=withdrawn
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
