"""Whether an identity may serve an environment: one pure function of what is expected, what the
environment trusts, the envelopes at hand, and the time.

An envelope that fails a clause is set aside with its reason, whatever else is there. A yes needs
enough that pass: another envelope never turns a yes into a no, and one less never a no into a yes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

from tetrad.canonical import Digest, digest_bytes
from tetrad.evidence.dsse import PAYLOAD_TYPE, open_envelope
from tetrad.evidence.errors import Clause, Refused
from tetrad.evidence.expected import Expected, ListedWaiver
from tetrad.evidence.statements import (
    VERIFIER,
    Admission,
    Approval,
    Evaluation,
    Statement,
    SuiteEvaluation,
    Summary,
    read_statement,
    resource_uri,
)
from tetrad.model import Environment, Signer, SignerRole

SKEW = timedelta(minutes=5)  # by which clocks of signers and verifiers may differ


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
    def is_yes(self) -> bool:
        return (self.proven or self.admitted) and not self.withdrawn


@dataclass(frozen=True, kw_only=True, slots=True)
class _Signed:
    """A statement about the identity, and the keys of the environment that signed it in their role."""

    digest: Digest
    statement: Statement
    signers: tuple[Signer, ...]


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
    check = _Check(expected=expected, environment=environment, now=now, authors=authors)
    signed: dict[Digest, _Signed] = {}
    aside: dict[Digest, SetAside] = {}
    for data in envelopes:
        digest = digest_bytes(data)
        try:
            signed[digest] = check.signed(digest, data)
        except Refused as refused:
            aside[digest] = SetAside(
                envelope=digest, clause=refused.clause, message=refused.message
            )
    proof = _prove(check, signed)
    admissions = [s.digest for s in signed.values() if isinstance(s.statement.predicate, Admission)]
    unmet = proof.unmet
    if withdrawn:
        unmet = (*unmet, Unmet(clause="withdrawn", message=withdrawn))
    return Verification(
        identity=expected.identity,
        environment=environment.name,
        proven=not proof.unmet,
        admitted=bool(admissions),
        withdrawn=withdrawn,
        unmet=unmet,
        accepted=(*proof.accepted, *admissions),
        set_aside=(*aside.values(), *proof.set_aside),
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Check:
    """What a single envelope is held against."""

    expected: Expected
    environment: Environment
    now: datetime
    authors: frozenset[str]

    def signed(self, digest: Digest, data: bytes) -> _Signed:
        """The statement of an envelope that counts by itself; raises Refused."""
        envelope = open_envelope(data)
        if envelope.payload_type != PAYLOAD_TYPE:
            raise Refused("payload-type", f"{envelope.payload_type!r} is not {PAYLOAD_TYPE}")
        by_key = {signer.key: signer for signer in self.environment.signers.values()}
        signers = tuple(by_key[key] for key in envelope.signed_by(by_key))
        if not signers:
            raise Refused("signature", "no key of the environment signed it")
        statement = read_statement(envelope.payload)  # the bytes that were verified
        signers = self._in_role(signers, statement)
        if statement.identity != self.expected.identity:
            raise Refused("subject", f"about another identity, tetrad:{statement.identity.hex}")
        self._fits(statement)
        return _Signed(digest=digest, statement=statement, signers=signers)

    def _in_role(self, signers: Sequence[Signer], statement: Statement) -> tuple[Signer, ...]:
        """Those who may sign such a statement, with a key that counts; Refused where none may."""
        role, moment = _role_and_time(statement)
        if moment > self.now + SKEW:
            raise Refused("validity", f"signed in the future, on {moment.isoformat()}")
        refusals = [
            (signer, _refusal(signer, role, moment, self.environment)) for signer in signers
        ]
        good = tuple(signer for signer, refusal in refusals if refusal is None)
        if good:
            return good
        raise next(refusal for _, refusal in refusals if refusal is not None)

    def _fits(self, statement: Statement) -> None:
        match statement.predicate:
            case Evaluation() as evaluation:
                self._fits_stack(evaluation.stack)
                self._fits_evaluation(evaluation)
            case Summary() as summary:
                self._fits_summary(summary)
            case Approval(stack=stack, environment=name) | Admission(stack=stack, environment=name):
                self._fits_stack(stack)
                if name != self.environment.name:
                    raise Refused("environment", f"for the environment {name}")

    def _fits_stack(self, stack: str) -> None:
        if stack != self.expected.stack:
            raise Refused("stack", f"about the stack {stack}")

    def _fits_summary(self, summary: Summary) -> None:
        if summary.verifier.id != VERIFIER:
            raise Refused("verifier", f"decided by {summary.verifier.id}, not {VERIFIER}")
        if summary.resource_uri != resource_uri(self.environment.name, self.expected.stack):
            raise Refused("environment", f"for {summary.resource_uri}")
        if summary.verification_result != "PASSED":
            raise Refused("decision", f"the verdict is {summary.verification_result}")

    def _fits_evaluation(self, evaluation: Evaluation) -> None:
        decisions = [
            evaluation.decision,
            *(suite.decision for suite in evaluation.suites),
            *(y.decision for y in evaluation.yardsticks if y.binding),
        ]
        if any(decision != "PASSED" for decision in decisions):
            raise Refused("decision", "the verdict is not PASSED")
        for suite in evaluation.suites:
            self._fits_suite(suite)
        self._fits_pins(evaluation)
        self._fits_age(evaluation)

    def _fits_suite(self, suite: SuiteEvaluation) -> None:
        """A suite that is not required may say what it likes: it proves nothing."""
        named = self.expected.suites.get(suite.suite)
        if named is None:
            return
        parts: Sequence[tuple[Clause, str, Digest, Digest]] = (
            ("golden", "the golden set", suite.golden, named.golden),
            ("policy", "the metrics or the gate", suite.policy, named.policy),
            ("judges", "a judge", suite.judges, named.judges),
            ("suite", "the suite", suite.digest, named.digest),
        )
        for clause, part, said, is_ in parts:
            if said != is_:
                raise Refused(clause, f"{part} of {suite.suite} is another one")
        for waived in suite.waived:
            listed = ListedWaiver(
                f"{suite.suite}#{waived.case}", waived.reason, waived.owner, waived.until
            )
            if listed not in self.expected.waivers:
                raise Refused("waivers", f"{listed.case} was waived, and no waiver lists it")

    def _fits_pins(self, evaluation: Evaluation) -> None:
        unpinned = (self.expected.unpinned | set(evaluation.unpinned)) - self.environment.unpinned
        if unpinned:
            raise Refused("unpinned", f"{min(unpinned)} has no pinned weights")

    def _fits_age(self, evaluation: Evaluation) -> None:
        rule = self.environment.evidence
        if evaluation.evaluated_on > evaluation.attested_on + SKEW:
            raise Refused("age", "evaluated after it was signed")
        if rule is None or rule.max_age_days is None:
            return
        age = self.now - evaluation.evaluated_on
        if age > timedelta(days=rule.max_age_days):
            raise Refused("age", f"evaluated {age.days} days ago (limit {rule.max_age_days:g})")


def _role_and_time(statement: Statement) -> tuple[SignerRole, datetime]:
    match statement.predicate:
        case Evaluation(attested_on=moment):
            return "evaluator", moment
        case Summary(time_verified=moment):
            return "evaluator", moment
        case Approval(approved_on=moment):
            return "approver", moment
        case Admission(admitted_on=moment):
            return "deployer", moment


def _refusal(
    signer: Signer, role: SignerRole, moment: datetime, environment: Environment
) -> Refused | None:
    """Why a key does not count for a statement of a role that was signed at a time."""
    rule = environment.evidence
    if signer.role != role:
        return Refused(
            "role", f"{signer.name} is {_with_article(signer.role)}, not {_with_article(role)}"
        )
    if role == "evaluator" and (rule is None or signer.name not in rule.signers):
        return Refused("role", f"{signer.name} is not among requires.evidence.signers")
    if signer.revoked is not None:
        return Refused("revoked", f"the key of {signer.name} was revoked on {signer.revoked}")
    if signer.valid is not None:
        first, last = (datetime(d.year, d.month, d.day, tzinfo=UTC) for d in signer.valid)
        if not first - SKEW <= moment < last + timedelta(days=1) + SKEW:
            return Refused(
                "validity",
                f"signed on {moment:%Y-%m-%d}; the key of {signer.name} is valid from"
                f" {signer.valid[0]} to {signer.valid[1]}",
            )
    return None


def _with_article(role: SignerRole) -> str:
    return f"{'a' if role == 'deployer' else 'an'} {role}"


# -- what many envelopes prove together


@dataclass(frozen=True, kw_only=True, slots=True)
class _Proof:
    unmet: tuple[Unmet, ...] = ()
    accepted: tuple[Digest, ...] = ()
    set_aside: tuple[SetAside, ...] = ()


def _prove(check: _Check, signed: Mapping[Digest, _Signed]) -> _Proof:
    parts = (_evidence(check, signed), _approvals(check, signed))
    return _Proof(
        unmet=tuple(unmet for part in parts for unmet in part.unmet),
        accepted=tuple(digest for part in parts for digest in part.accepted),
        set_aside=tuple(aside for part in parts for aside in part.set_aside),
    )


def _evidence(check: _Check, signed: Mapping[Digest, _Signed]) -> _Proof:
    """A summary for the environment, whose evaluations cover every required suite."""
    if check.environment.evidence is None:
        return _Proof()
    best: Sequence[str] | None = None
    for digest, summary in _of(signed, Summary):
        evaluations = {
            d: e
            for d, e in _of(signed, Evaluation)
            if d.hex in _inputs(summary.statement.predicate)
        }
        covered = {s.suite for e in evaluations.values() for s in _suites(e.statement.predicate)}
        missing = sorted(check.expected.suites.keys() - covered)
        if not missing and evaluations:
            return _Proof(accepted=(digest, *evaluations))
        if best is None or len(missing) < len(best):
            best = missing
    if best is None:
        message = f"no verification summary for {check.environment.name} counts"
        return _Proof(unmet=(Unmet(clause="evidence", message=message),))
    message = "no evidence of " + ", ".join(best) if best else "no evaluation counts"
    return _Proof(unmet=(Unmet(clause="complete", message=message),))


def _inputs(predicate: object) -> frozenset[str | None]:
    """The SHA-256 of each envelope that a summary names."""
    if not isinstance(predicate, Summary):
        return frozenset()
    return frozenset(resource.digest.get("sha256") for resource in predicate.input_attestations)


def _suites(predicate: object) -> Sequence[SuiteEvaluation]:
    return predicate.suites if isinstance(predicate, Evaluation) else ()


def _approvals(check: _Check, signed: Mapping[Digest, _Signed]) -> _Proof:
    """Enough people of the named teams, each counted once."""
    rule = check.environment.approvals
    if rule is None:
        return _Proof()
    people: dict[str, Digest] = {}
    aside = []
    for digest, approval in _of(signed, Approval):
        for signer in approval.signers:
            problem = _problem(signer, check)
            if problem:
                aside.append(SetAside(envelope=digest, clause="approvals", message=problem))
            else:
                people.setdefault(signer.name, digest)
    if len(people) >= rule.count:
        return _Proof(accepted=tuple(dict.fromkeys(people.values())), set_aside=tuple(aside))
    of = f" of {' or '.join(rule.teams)}" if rule.teams else ""
    message = f"{len(people)} of {rule.count} approvals{of}"
    return _Proof(unmet=(Unmet(clause="approvals", message=message),), set_aside=tuple(aside))


def _problem(signer: Signer, check: _Check) -> str:
    """Why a person's approval does not count here; empty where it does."""
    rule = check.environment.approvals
    if rule is None:
        return ""
    if rule.teams and not set(rule.teams) & set(signer.teams):
        return f"{signer.name} is of none of the teams {', '.join(rule.teams)}"
    if rule.not_author and not signer.authors:
        return f"no authors: are listed for {signer.name}, so it may be the author"
    wrote = {author.casefold() for author in check.authors}
    if rule.not_author and wrote & {author.casefold() for author in signer.authors}:
        return f"{signer.name} wrote a commit since the last admission"
    return ""


_Predicate: TypeAlias = type[Summary] | type[Evaluation] | type[Approval]


def _of(signed: Mapping[Digest, _Signed], kind: _Predicate) -> Iterator[tuple[Digest, _Signed]]:
    return (
        (digest, found)
        for digest, found in signed.items()
        if isinstance(found.statement.predicate, kind)
    )
