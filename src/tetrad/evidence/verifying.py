"""Whether an identity may serve an environment: one pure function of what is expected, what the
environment trusts, the envelopes at hand, and the time.

An envelope that fails a clause is set aside with its reason, whatever else is there. A yes needs
enough that pass: another envelope never turns a yes into a no, and one less never a no into a yes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from tetrad.canonical import Digest, digest_bytes
from tetrad.evidence.clauses import Check, Signed, statement_of
from tetrad.evidence.expected import Expected
from tetrad.evidence.people import Person, people_of
from tetrad.evidence.refused import Clause, Refused
from tetrad.evidence.statements import (
    Admission,
    Approval,
    Evaluation,
    Summary,
)
from tetrad.model import ApprovalRule, Environment, Signer

T = TypeVar("T")
P = TypeVar("P", Summary, Evaluation, Approval, Admission)


@dataclass(frozen=True, kw_only=True, slots=True)
class SetAside:
    """An envelope that does not count: the first clause that it fails, and why."""

    envelope: Digest
    clause: Clause
    message: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Unmet:
    """What is missing to a yes."""

    clause: Clause
    message: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Verification:
    """The answer, with what it rests on.

    `proven` says that evidence and approvals suffice; `admitted` that the environment took the
    identity before. Either is enough, but for an identity that is withdrawn.
    """

    identity: Digest
    environment: str
    proven: bool
    admitted: bool
    withdrawn: str = ""  # why
    unmet: tuple[Unmet, ...] = ()  # what is missing to `proven`, and the withdrawal
    accepted: tuple[Digest, ...] = ()  # the envelopes that it rests on
    set_aside: tuple[SetAside, ...] = ()

    @property
    def has_evidence(self) -> bool:
        """Whether nothing but approvals, or the end of a withdrawal, is missing."""
        return {unmet.clause for unmet in self.unmet} <= {"approvals", "withdrawn"}

    @property
    def is_yes(self) -> bool:
        return (self.proven or self.admitted) and not self.withdrawn


def verify(
    expected: Expected,
    environment: Environment,
    envelopes: Iterable[bytes],
    *,
    now: datetime,
    authors: frozenset[str] = frozenset(),
    withdrawn: str = "",
) -> Verification:
    """Decide for one identity and one environment.

    `authors` are the e-mail addresses of whoever made a commit since the last admission; `withdrawn`
    says why the identity was withdrawn from the environment, if it was.
    """
    check = Check(expected=expected, environment=environment, now=now)
    found = _sorted_out(check, envelopes)
    proof = (_pins(check), _evidence(check, found), _approvals(check, found, authors))
    admissions = _admissions(found)
    unmet = _all(part.unmet for part in proof)
    return Verification(
        identity=expected.identity,
        environment=environment.name,
        proven=not unmet,
        admitted=bool(admissions.accepted),
        withdrawn=withdrawn,
        unmet=(*unmet, Unmet(clause="withdrawn", message=withdrawn)) if withdrawn else unmet,
        accepted=_all(part.accepted for part in (*proof, admissions)),
        set_aside=(*found.aside, *_all(part.set_aside for part in (*proof, admissions))),
    )


def admitted(
    stack: str, environment: Environment, envelopes: Iterable[bytes], *, now: datetime
) -> tuple[Admission, ...]:
    """The admissions of a stack to an environment, of any identity, the last one first."""
    found = set()
    for data in envelopes:
        try:
            predicate = statement_of(data, environment, now)[0].predicate
        except Refused:
            continue
        if isinstance(predicate, Admission) and predicate.stack == stack:
            found.add(predicate)
    named = [admission for admission in found if admission.environment == environment.name]
    return tuple(sorted(named, key=lambda said: (said.admitted_on, said.commit), reverse=True))


@dataclass(frozen=True, kw_only=True, slots=True)
class _Found:
    """Statements in the order of their digests, so that what is said of them has one order."""

    signed: Mapping[Digest, Signed]  # by keys that count
    fitting: Mapping[Digest, Signed]  # those of them that the environment takes
    aside: tuple[SetAside, ...]


def _sorted_out(check: Check, envelopes: Iterable[bytes]) -> _Found:
    by_digest = {digest_bytes(data): data for data in envelopes}
    signed, fitting, aside = {}, {}, []
    for digest in sorted(by_digest, key=str):
        try:
            signed[digest] = check.read(by_digest[digest])
            check.fits(signed[digest])
            fitting[digest] = signed[digest]
        except Refused as refused:
            aside.append(SetAside(envelope=digest, clause=refused.clause, message=refused.message))
    return _Found(signed=signed, fitting=fitting, aside=tuple(aside))


@dataclass(frozen=True, kw_only=True, slots=True)
class _Proof:
    unmet: tuple[Unmet, ...] = ()
    accepted: tuple[Digest, ...] = ()
    set_aside: tuple[SetAside, ...] = ()


def _pins(check: Check) -> _Proof:
    """No model without pinned weights but those that the environment names."""
    unpinned = sorted(check.expected.unpinned - check.environment.unpinned)
    return _Proof(
        unmet=tuple(
            Unmet(clause="unpinned", message=f"{model} has no pinned weights") for model in unpinned
        )
    )


def _evidence(check: Check, found: _Found) -> _Proof:
    """A summary for the environment, whose evaluations cover every required suite."""
    if check.environment.evidence is None:
        return _Proof()
    if not check.expected.suites:
        message = f"no suite judges {check.expected.stack}"
        return _Proof(unmet=(Unmet(clause="complete", message=message),))
    best: Sequence[str] | None = None
    for digest, _, summary in _of(found, Summary):
        named = {resource.digest.get("sha256") for resource in summary.input_attestations}
        evaluations = {d: run for d, _, run in _of(found, Evaluation) if d.hex in named}
        covered = {suite.suite for run in evaluations.values() for suite in run.suites}
        missing = sorted(check.expected.suites.keys() - covered)
        if not missing:
            return _Proof(accepted=(digest, *evaluations))
        if best is None or len(missing) < len(best):
            best = missing
    if best is None:
        message = f"no verification summary for {check.environment.name} counts"
        return _Proof(unmet=(Unmet(clause="evidence", message=message),))
    message = "no evidence of " + ", ".join(best)
    return _Proof(unmet=(Unmet(clause="complete", message=message),))


def _approvals(check: Check, found: _Found, authors: frozenset[str]) -> _Proof:
    """Enough people of the named teams, each counted once."""
    rule = check.environment.approvals
    if rule is None:
        return _Proof()
    people = people_of(check.environment.signers.values())
    wrote = frozenset(map(str.casefold, authors))
    approved: dict[Person, Digest] = {}
    aside = []
    for digest, signers, _ in _of(found, Approval):
        problems = {s: _problem(rule, s, people[s.name], wrote) for s in signers}
        good = [people[signer.name] for signer, problem in problems.items() if not problem]
        for person in good:
            approved.setdefault(person, digest)
        if not good:
            message = next(iter(problems.values()))
            aside.append(SetAside(envelope=digest, clause="approvals", message=message))
    if len(approved) >= rule.count:
        return _Proof(accepted=tuple(dict.fromkeys(approved.values())), set_aside=tuple(aside))
    of = f" of {' or '.join(rule.teams)}" if rule.teams else ""
    message = f"{len(approved)} of {rule.count} approvals{of}"
    return _Proof(unmet=(Unmet(clause="approvals", message=message),), set_aside=tuple(aside))


def _problem(rule: ApprovalRule, signer: Signer, person: Person, wrote: frozenset[str]) -> str:
    """Why a person's approval does not count here; empty where it does."""
    if rule.teams and not set(rule.teams) & set(signer.teams):
        return f"{signer.name} is of none of the teams {', '.join(rule.teams)}"
    if rule.not_author and not person.authors:
        return f"no authors: are listed for {signer.name}, so it may be the author"
    if rule.not_author and wrote & person.authors:
        return f"{signer.name} wrote a commit since the last admission"
    return ""


def _admissions(found: _Found) -> _Proof:
    """Records that the environment took the identity, by evidence whose keys still count.

    Nothing else is asked of that evidence again: neither its age nor today's suites.
    """
    accepted, aside = [], []
    for digest, _, admission in _of(found, Admission):
        missing = [d for d in admission.evidence if d not in found.signed]
        if missing:
            message = f"rests on {missing[0]}, which is missing or no longer counts"
            aside.append(SetAside(envelope=digest, clause="evidence", message=message))
        else:
            accepted.append(digest)
    return _Proof(accepted=tuple(accepted), set_aside=tuple(aside))


def _of(found: _Found, kind: type[P]) -> Iterator[tuple[Digest, tuple[Signer, ...], P]]:
    for digest, signed in found.fitting.items():
        predicate = signed.statement.predicate
        if isinstance(predicate, kind):
            yield digest, signed.signers, predicate


def _all(parts: Iterable[tuple[T, ...]]) -> tuple[T, ...]:
    return tuple(item for part in parts for item in part)
