"""Whether a stack may serve an environment, by the files that are checked out and the envelopes here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from tetrad import git
from tetrad.admission.kept_evidence import KeptEvidence
from tetrad.admission.withdrawn import Withdrawals
from tetrad.evidence import Verification, expected_of, required_suites, verify
from tetrad.evidence.verifying import admitted
from tetrad.identity import identity_of
from tetrad.loading.repositories import find
from tetrad.model import Environment, Repository, Stack
from tetrad.plan.changes import suite_files
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
    (found,) = verified_each(root, [asked])
    return found


def verified_each(root: Path, questions: Sequence[Question]) -> tuple[Verification, ...]:
    """The answers to many questions, for which what is kept is read once."""
    now, withdrawals = datetime.now(UTC), Withdrawals(root)
    with KeptEvidence(root) as kept:
        envelopes = kept.about_each({identity_of(asked.stack) for asked in questions})
        return tuple(
            verify(
                expected_of(asked.repository, asked.stack, asked.environment),
                asked.environment,
                envelopes[identity_of(asked.stack)],
                now=now,
                authors=_authors(root, kept, asked, now),
                withdrawn=withdrawals.why(asked.environment, asked.stack),
            )
            for asked in questions
        )


def has_evidence(kept: KeptEvidence, asked: Question) -> bool:
    """Whether nothing but approvals is missing to a yes; who wrote what is not looked at."""
    expected = expected_of(asked.repository, asked.stack, asked.environment)
    envelopes = kept.about(expected.identity)
    return verify(expected, asked.environment, envelopes, now=datetime.now(UTC)).has_evidence


def _authors(root: Path, kept: KeptEvidence, asked: Question, now: datetime) -> frozenset[str]:
    """Whoever made a commit since the environment last admitted the stack; before the first time,
    whoever made one to the files of the stack or of the suites that it has to pass.
    """
    rule = asked.environment.approvals
    if rule is None or not rule.not_author:
        return frozenset()
    for admission in admitted(asked.stack.ref, asked.environment, kept.admissions(), now=now):
        if git.is_known(root, admission.commit) and git.is_ancestor(root, admission.commit, "HEAD"):
            return git.authors(root, admission.commit, "HEAD")
    suites = required_suites(asked.repository, asked.stack, asked.environment)
    made_of = take_snapshot(asked.repository.files, asked.stack.ref).files
    paths = {*made_of}.union(*map(suite_files, suites))
    return git.authors(root, None, "HEAD", sorted(paths))
