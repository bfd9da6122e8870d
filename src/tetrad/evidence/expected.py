"""What evidence must be about to count for an environment: what the merged files name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from tetrad.canonical import Digest, digest_of

if TYPE_CHECKING:
    from tetrad.model import Environment, Repository, Stack, Suite


class SuiteParts(NamedTuple):
    """The digest of a suite, and of three of its parts."""

    digest: Digest
    golden: Digest
    policy: Digest
    judges: Digest


class ListedWaiver(NamedTuple):
    """A line of waivers.yaml that accepts a broken case, as evidence repeats it."""

    case: str  # SUITE#CASE
    reason: str
    owner: str
    until: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Expected:
    """One identity, and what the merged files say of it and of what judges it."""

    stack: str  # reference
    identity: Digest
    suites: Mapping[str, SuiteParts]  # all that must have passed, by reference
    unpinned: frozenset[str] = frozenset()  # models of the stack whose weights have no pin
    waivers: frozenset[ListedWaiver] = frozenset()


def expected_of(repository: Repository, stack: Stack, environment: Environment) -> Expected:
    """What the files of a repository ask of a stack's evidence."""
    from tetrad.identity import identity_of

    return Expected(
        stack=stack.ref,
        identity=identity_of(stack),
        suites={s.ref: parts_of(s) for s in required_suites(repository, stack, environment)},
        unpinned=frozenset(model.ref for model in stack.models if not model.is_pinned),
        waivers=frozenset(
            ListedWaiver(w.case, w.reason, w.owner, w.until.isoformat())
            for w in repository.waivers
            if w.case is not None
        ),
    )


def required_suites(
    repository: Repository, stack: Stack, environment: Environment
) -> Sequence[Suite]:
    """The suites that judge the stack, and those that the environment asks of whatever serves there."""
    named = environment.evidence.suites if environment.evidence else ()
    suites = [
        *repository.suites_by_stack.get(stack.ref, ()),
        *(repository.suites[ref] for ref in named),
    ]
    return tuple({suite.ref: suite for suite in suites}.values())


def parts_of(suite: Suite) -> SuiteParts:
    from tetrad.identity.suite_digest import suite_document

    document = suite_document(suite)
    parts = {key: document[key] for key in ("gate", "metrics")}
    judges = {key: document[key] for key in ("judges", "questions")}
    return SuiteParts(
        digest=digest_of(document),
        golden=Digest.parse(str(document["golden"])),
        policy=digest_of(parts),
        judges=digest_of(judges),
    )
