"""An environment with keys of fixed seeds, and statements that pass there until a test changes them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tetrad.canonical import Digest, digest_bytes
from tetrad.ed25519 import PrivateKey
from tetrad.errors import Location
from tetrad.evidence import Expected, Verification, seal, verify
from tetrad.evidence.expected import SuiteParts
from tetrad.evidence.statements import (
    VERIFIER,
    Admission,
    Approval,
    Commit,
    Evaluation,
    Harness,
    Predicate,
    Regraded,
    Resource,
    Statement,
    SuiteEvaluation,
    Summary,
    VerifierId,
    resource_uri,
    write_statement,
)
from tetrad.model import ApprovalRule, Environment, EvidenceRule, Signer
from tetrad.results.gate_report import RequirementResult

NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)
STACK, SUITE = "stacks/triage", "evals/triage"
IDENTITY = digest_bytes(b"identity")
YEAR = (date(2026, 1, 1), date(2026, 12, 31))


def key(name: str) -> PrivateKey:
    """The same key for the same name, on every machine."""
    made = Ed25519PrivateKey.from_private_bytes(digest_bytes(name.encode()).value)
    return PrivateKey.read(made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


def signer(name: str, role: Any, **changes: Any) -> Signer:
    made = Signer(name=name, key=key(name).public, role=role, valid=YEAR)
    return replace(made, **changes)


def environment(**changes: Any) -> Environment:
    made = Environment(
        ref="infra/environments/production",
        location=Location("infra/environments/production.yaml"),
        signers={
            "ci": signer("ci", "evaluator"),
            "nightly": signer("nightly", "evaluator"),
            "ada": signer("ada", "approver", teams=("platform",), authors=("ada@example.com",)),
            "deploy": signer("deploy", "deployer"),
        },
        evidence=EvidenceRule(signers=("ci",), max_age_days=30),
        approvals=ApprovalRule(count=1, teams=("platform",), not_author=True),
        document={},
    )
    return replace(made, **changes)


def parts(**changes: Digest) -> SuiteParts:
    named = {name: digest_bytes(name.encode()) for name in SuiteParts._fields}
    return SuiteParts(**{**named, **changes})


def expected(**changes: Any) -> Expected:
    made = Expected(stack=STACK, identity=IDENTITY, suites={SUITE: parts()})
    return replace(made, **changes)


def requirement(**changes: Any) -> RequirementResult:
    made = RequirementResult(
        requirement="min",
        metric="answer",
        decision="PASSED",
        value=0.9,
        threshold=0.8,
        interval=(0.8, 0.95),
        n=60,
        reason="0.90, required ≥ 0.80",
    )
    return replace(made, **changes)


def suite_evaluation(**changes: Any) -> SuiteEvaluation:
    made = SuiteEvaluation(
        suite=SUITE,
        **parts()._asdict(),
        decision="PASSED",
        cases=60,
        results=digest_bytes(b"results"),
        requirements=(requirement(),),
    )
    return replace(made, **changes)


def evaluation(**changes: Any) -> Evaluation:
    made = Evaluation(
        stack=STACK,
        commit=Commit(head="1" * 40, tree="2" * 40, base="3" * 40),
        decision="PASSED",
        evaluated_on=NOW - timedelta(days=2),
        attested_on=NOW - timedelta(days=2),
        harness=Harness(version="0.1.0", runtime=2, grading=1),
        model="smollm2-135m",
        engine="torch",
        build="torch 2.13.0, cpu",
        report=digest_bytes(b"report"),
        suites=(suite_evaluation(),),
        regraded=Regraded(assertions=60, of=60),
    )
    return replace(made, **changes)


def summary(*evaluations: bytes, **changes: Any) -> Summary:
    """The summary for production that rests on the envelopes."""
    made = Summary(
        verifier=VerifierId(id=VERIFIER),
        time_verified=NOW - timedelta(days=2),
        resource_uri=resource_uri("production", STACK),
        policy=Resource(uri="infra/environments/production", digest={"sha256": "0" * 64}),
        input_attestations=tuple(
            Resource(uri="evaluation", digest={"sha256": digest_bytes(data).hex})
            for data in evaluations
        ),
        verification_result="PASSED",
        verified_levels=("TETRAD_EVALUATED",),
    )
    return replace(made, **changes)


def approval(**changes: Any) -> Approval:
    made = Approval(stack=STACK, environment="production", approved_on=NOW - timedelta(days=1))
    return replace(made, **changes)


def admission(**changes: Any) -> Admission:
    made = Admission(
        stack=STACK,
        environment="production",
        commit="4" * 40,
        admitted_on=NOW - timedelta(hours=1),
        evidence=(),
    )
    return replace(made, **changes)


def signed(predicate: Predicate, *names: str, identity: Digest = IDENTITY) -> bytes:
    """The envelope of a statement, signed by the keys of the names."""
    return seal(payload(predicate, identity), [key(name) for name in names])


def payload(predicate: Predicate, identity: Digest = IDENTITY) -> bytes:
    """A statement, to be signed."""
    return write_statement(Statement(identity=identity, name="triage", predicate=predicate))


def passing() -> tuple[bytes, bytes, bytes]:
    """An evaluation, its summary and an approval: together a yes."""
    run = signed(evaluation(), "ci")
    return run, signed(summary(run), "ci"), signed(approval(), "ada")


def answer(environment: Environment, envelopes: Iterable[bytes]) -> Verification:
    """Whether the identity may serve there, now."""
    return verify(expected(), environment, envelopes, now=NOW)


def clauses(found: Verification) -> set[str]:
    """Those that envelopes were set aside by."""
    return {aside.clause for aside in found.set_aside}
