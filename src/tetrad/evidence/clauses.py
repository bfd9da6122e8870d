"""What a single envelope is held against: whose statement it is, and whether it counts by itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from tetrad.canonical import Digest
from tetrad.evidence.dsse import PAYLOAD_TYPE, open_envelope
from tetrad.evidence.expected import Expected, ListedWaiver
from tetrad.evidence.keyless import certified
from tetrad.evidence.refused import Clause, Refused
from tetrad.evidence.signers import SKEW, refusal_of
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
from tetrad.model import Environment, Signer, SignerRole, TrustedKey


def statement_of(
    data: bytes, environment: Environment, now: datetime
) -> tuple[Statement, tuple[Signer, ...]]:
    """The statement of an envelope, and whose keys signed it that may and that count; raises Refused."""
    envelope = open_envelope(data)
    if envelope.payload_type != PAYLOAD_TYPE:
        raise Refused("payload-type", f"{envelope.payload_type!r} is not {PAYLOAD_TYPE}")
    by_key: dict[TrustedKey, Signer] = {s.key: s for s in environment.signers.values()}
    signers = tuple(by_key[key] for key in envelope.signed_by(by_key))
    if not signers:
        raise Refused("signature", "no key of the environment signed it")
    statement = read_statement(envelope.payload)  # the bytes that were verified
    role, moment = _role_and_time(statement)
    if moment - now > SKEW:
        raise Refused("validity", f"signed in the future, on {moment.isoformat()}")
    if envelope.bundle is not None:
        _refuse_other_time(envelope.bundle, moment)
    refusals = {signer: refusal_of(signer, role, moment) for signer in signers}
    good = tuple(signer for signer, refusal in refusals.items() if refusal is None)
    if not good:
        raise next(refusal for refusal in refusals.values() if refusal is not None)
    return statement, good


def _refuse_other_time(bundle: bytes, moment: datetime) -> None:
    """A key of minutes signs what is said of these minutes."""
    first, last = certified(bundle)
    if first - moment > SKEW or moment - last > SKEW:
        raise Refused(
            "validity",
            f"says that it was signed on {moment.isoformat()}, with a key that was certified from"
            f" {first.isoformat()} to {last.isoformat()}",
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Signed:
    """A statement about the identity, and the keys of the environment that signed it in their role."""

    statement: Statement
    signers: tuple[Signer, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Check:
    expected: Expected
    environment: Environment
    now: datetime

    def read(self, data: bytes) -> Signed:
        """The statement about the identity, by keys that count; raises Refused."""
        statement, signers = statement_of(data, self.environment, self.now)
        if statement.identity != self.expected.identity:
            raise Refused("subject", f"about another identity, tetrad:{statement.identity.hex}")
        return Signed(statement=statement, signers=signers)

    def fits(self, signed: Signed) -> None:
        """Raises Refused where the environment does not take what is said, or not from its signer."""
        predicate = signed.statement.predicate
        if isinstance(predicate, Evaluation | Summary):
            self._fits_signers(signed.signers)
        match predicate:
            case Evaluation():
                self._fits_stack(predicate.stack)
                self._fits_evaluation(predicate)
            case Summary():
                self._fits_summary(predicate)
            case Approval() | Admission():
                self._fits_stack(predicate.stack)
                self._fits_environment(predicate.environment)

    def _fits_signers(self, signers: Sequence[Signer]) -> None:
        rule = self.environment.evidence
        if rule is None or not any(signer.name in rule.signers for signer in signers):
            raise Refused("role", f"{signers[0].name} is not among requires.evidence.signers")

    def _fits_stack(self, stack: str) -> None:
        if stack != self.expected.stack:
            raise Refused("stack", f"about the stack {stack}")

    def _fits_environment(self, name: str) -> None:
        if name != self.environment.name:
            raise Refused("environment", f"for the environment {name}")

    def _fits_summary(self, summary: Summary) -> None:
        if summary.verifier.id != VERIFIER:
            raise Refused("verifier", f"decided by {summary.verifier.id}, not {VERIFIER}")
        if summary.resource_uri != resource_uri(self.environment.name, self.expected.stack):
            raise Refused("environment", f"for {summary.resource_uri}")
        if summary.policy.uri != self.environment.ref:
            raise Refused("environment", f"by the rules of {summary.policy.uri}")
        if summary.verification_result != "PASSED":
            raise Refused("decision", f"the verdict is {summary.verification_result}")

    def _fits_evaluation(self, evaluation: Evaluation) -> None:
        for what, decision in _decisions(evaluation):
            if decision not in {"PASSED", "NOT_APPLICABLE"}:
                raise Refused("decision", f"{what} is {decision}")
        for suite in evaluation.suites:
            self._fits_suite(suite)
        unpinned = set(evaluation.unpinned) - self.environment.unpinned
        if unpinned:
            raise Refused("unpinned", f"{min(unpinned)} has no pinned weights")
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
            used = ListedWaiver(
                f"{suite.suite}#{waived.case}", waived.reason, waived.owner, waived.until
            )
            self._fits_waiver(used)

    def _fits_waiver(self, used: ListedWaiver) -> None:
        if used not in self.expected.waivers:
            raise Refused("waivers", f"{used.case} was waived, and no waiver lists it")
        if used.until < self.now.astimezone(UTC).date().isoformat():
            raise Refused("waivers", f"the waiver of {used.case} ended on {used.until}")

    def _fits_age(self, evaluation: Evaluation) -> None:
        rule = self.environment.evidence
        if evaluation.evaluated_on - evaluation.attested_on > SKEW:
            raise Refused("age", "evaluated after it was signed")
        if rule is None or rule.max_age_days is None:
            return
        if (self.now - evaluation.evaluated_on) / timedelta(days=1) > rule.max_age_days:
            day = f"{evaluation.evaluated_on:%Y-%m-%d}"
            raise Refused("age", f"evaluated on {day}, over {rule.max_age_days:g} days ago")


def _decisions(evaluation: Evaluation) -> Sequence[tuple[str, str]]:
    """Everything that has to be PASSED, and what it is called."""
    return (
        ("the verdict", evaluation.decision),
        *((suite.suite, suite.decision) for suite in evaluation.suites),
        *(
            (f"{result.requirement} of {suite.suite}", result.decision)
            for suite in evaluation.suites
            for result in suite.requirements
        ),
        *((f"{y.suite} of the base", y.decision) for y in evaluation.yardsticks if y.binding),
    )


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
