"""Verifying one identity for one environment: an evaluation of ten suites, its summary, an approval, and
what others wrote about the same identity.

    python benchmarks/verification.py [--junk 20]

Processor time of the median call, after start-up, beside the limit of 20 ms. Every envelope is read,
its signature checked against each key of the environment, and every clause decided.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from datetime import UTC, datetime

from tetrad.canonical import digest_bytes
from tetrad.ed25519 import PrivateKey
from tetrad.errors import Location
from tetrad.evidence import Expected, sign, verify, with_key
from tetrad.evidence.expected import SuiteParts
from tetrad.evidence.statements import (
    VERIFIER,
    Approval,
    Commit,
    Evaluation,
    Harness,
    Predicate,
    Regraded,
    Resource,
    SuiteEvaluation,
    Summary,
    VerifierId,
    resource_uri,
)
from tetrad.model import ApprovalRule, Environment, EvidenceRule, Signer
from tetrad.results.gate_report import RequirementResult

LIMIT_S = 0.020
ROUNDS = 50
SUITES = 10
STACK = "stacks/triage"
IDENTITY = digest_bytes(b"identity")
PARTS = SuiteParts(*(digest_bytes(name.encode()) for name in SuiteParts._fields))
NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)
CI, APPROVER, STRANGER = (PrivateKey.generate() for _ in range(3))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--junk", type=int, default=20, help="envelopes that do not count")
    junk = parser.parse_args().junk
    run = envelope(evaluation(), CI)
    envelopes = [run, envelope(summary(run), CI), envelope(approval(), APPROVER)]
    envelopes += [envelope(approval(minute), STRANGER) for minute in range(junk)]
    taken = []
    for _ in range(ROUNDS):
        started = time.process_time()
        found = verify(expected(), environment(), envelopes, now=NOW)
        taken.append(time.process_time() - started)
        if not found.is_yes:
            raise SystemExit(f"the identity is refused: {found.unmet}")
    median = statistics.median(taken)
    held = median <= LIMIT_S
    print(
        f"verification of {len(envelopes)} envelopes: {median * 1000:.1f} ms of processor time,"
        f" {median / LIMIT_S:.2f} of the limit of {LIMIT_S * 1000:.0f} ms: {'held' if held else 'MISSED'}"
    )
    return 0 if held else 1


def envelope(predicate: Predicate, key: PrivateKey) -> bytes:
    return sign(predicate, identity=IDENTITY, name="triage", sealing=with_key(key))


def expected() -> Expected:
    return Expected(
        stack=STACK,
        identity=IDENTITY,
        suites={f"evals/{number}": PARTS for number in range(SUITES)},
    )


def environment() -> Environment:
    return Environment(
        ref="infra/environments/production",
        location=Location("infra/environments/production.yaml"),
        signers={
            "ci": Signer(name="ci", key=CI.public, role="evaluator"),
            "ada": Signer(name="ada", key=APPROVER.public, role="approver"),
        },
        evidence=EvidenceRule(signers=("ci",), max_age_days=30),
        approvals=ApprovalRule(count=1),
        document={},
    )


def evaluation() -> Evaluation:
    requirement = RequirementResult(
        requirement="min",
        metric="answer",
        decision="PASSED",
        value=0.9,
        threshold=0.8,
        interval=(0.8, 0.95),
        n=60,
        reason="0.90, required ≥ 0.80",
    )
    suites = tuple(
        SuiteEvaluation(
            suite=f"evals/{number}",
            **PARTS._asdict(),
            decision="PASSED",
            cases=60,
            results=digest_bytes(b"results"),
            requirements=(requirement,) * 4,
        )
        for number in range(SUITES)
    )
    return Evaluation(
        stack=STACK,
        commit=Commit(head="1" * 40, tree="2" * 40, base="3" * 40),
        decision="PASSED",
        evaluated_on=NOW,
        attested_on=NOW,
        harness=Harness(version="0.1.0", runtime=2, grading=1),
        model="small",
        engine="torch",
        build="torch 2.13.0, cpu",
        report=digest_bytes(b"report"),
        suites=suites,
        regraded=Regraded(assertions=600, of=600),
    )


def summary(run: bytes) -> Summary:
    inputs = Resource(uri="evaluation", digest={"sha256": digest_bytes(run).hex})
    return Summary(
        verifier=VerifierId(id=VERIFIER),
        time_verified=NOW,
        resource_uri=resource_uri("production", STACK),
        policy=Resource(uri="infra/environments/production", digest={"sha256": "0" * 64}),
        input_attestations=(inputs,),
        verification_result="PASSED",
        verified_levels=("TETRAD_EVALUATED",),
    )


def approval(minute: int = 0) -> Approval:
    return Approval(stack=STACK, environment="production", approved_on=NOW.replace(minute=minute))


if __name__ == "__main__":
    sys.exit(main())
