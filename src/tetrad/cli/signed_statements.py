"""What envelopes say, as lines for people, with the names of whoever signed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from tetrad.canonical import Digest

if TYPE_CHECKING:
    from tetrad.evidence import Envelope
    from tetrad.evidence.statements import Predicate, SuiteEvaluation
    from tetrad.inventory.past_decisions import PastSuiteDecision
    from tetrad.model import Environment, TrustedKey


@dataclass(frozen=True, kw_only=True, slots=True)
class SignedStatement:
    """One statement that Tetrad reads; `signers` are names that an environment gives the keys."""

    digest: Digest  # of the envelope
    stack: str  # reference: several stacks can have one identity
    environment: str | None  # an evaluation is for none
    signers: tuple[str, ...]
    moment: datetime
    text: str
    payload: bytes
    predicate: Predicate


def statements_about(
    envelopes: Iterable[bytes], identity: Digest, environments: Iterable[Environment]
) -> tuple[SignedStatement, ...]:
    """What was signed about an identity, the oldest first; what is no statement of ours is left out."""
    names: dict[TrustedKey, str] = {s.key: s.name for e in environments for s in e.signers.values()}
    read = (_said(data, identity, names) for data in envelopes)
    return tuple(sorted((one for one in read if one is not None), key=_order))


def _order(said: SignedStatement) -> tuple[datetime, int]:
    """By time, and of one second in the order in which each follows from the one before."""
    from tetrad.evidence.statements import TYPES

    return said.moment, list(TYPES).index(type(said.predicate))


def _said(data: bytes, identity: Digest, names: Mapping[TrustedKey, str]) -> SignedStatement | None:
    from tetrad.canonical import digest_bytes
    from tetrad.evidence import Refused, open_envelope
    from tetrad.evidence.statements import read_statement

    try:
        envelope = open_envelope(data)
        statement = read_statement(envelope.payload)
    except Refused:
        return None
    if statement.identity != identity:
        return None
    stack, environment = _about(statement.predicate)
    moment, text = _told(statement.predicate, environment)
    return SignedStatement(
        digest=digest_bytes(data),
        stack=stack,
        environment=environment,
        signers=_signers(envelope, names),
        moment=moment,
        text=text,
        payload=envelope.payload,
        predicate=statement.predicate,
    )


def _signers(envelope: Envelope, names: Mapping[TrustedKey, str]) -> tuple[str, ...]:
    """Who signed; nobody that is known, where the extra is not there that a bundle needs."""
    from tetrad.evidence import Refused

    try:
        return tuple(names[key] for key in envelope.signed_by(names))
    except Refused:
        return ()


def _about(predicate: Predicate) -> tuple[str, str | None]:
    """The stack and the environment."""
    from tetrad.evidence.statements import Evaluation, Summary, resource_uri
    from tetrad.model import ENVIRONMENTS

    match predicate:
        case Evaluation():
            return predicate.stack, None
        case Summary():
            environment = predicate.policy.uri.removeprefix(f"{ENVIRONMENTS}/")
            return predicate.resource_uri.removeprefix(resource_uri(environment, "")), environment
    return predicate.stack, predicate.environment


def _told(predicate: Predicate, environment: str | None) -> tuple[datetime, str]:
    from tetrad.evidence.statements import Admission, Approval, Evaluation, Summary

    match predicate:
        case Evaluation():
            scores = scores_of(predicate.suites)
            return predicate.attested_on, f"evaluation {predicate.decision}: {scores}"
        case Summary():
            result = predicate.verification_result
            return predicate.time_verified, f"summary for {environment}: {result}"
        case Approval():
            return predicate.approved_on, f"approval for {environment}"
        case Admission():
            return predicate.admitted_on, f"admission to {environment}"


def line_of(said: SignedStatement, stack: str) -> str:
    """What was said, and of which stack where it is not the one that is asked about."""
    return said.text if said.stack == stack else f"{said.text} ({said.stack})"


def scores_of(suites: Iterable[SuiteEvaluation | PastSuiteDecision]) -> str:
    """The scores of suites, one after the other."""
    parts = []
    for suite in suites:
        floors = [r for r in suite.requirements if r.requirement == "min" and r.value is not None]
        means = dict.fromkeys(f"{r.metric} {r.value:.2f}" for r in floors)
        name = suite.suite.removeprefix("evals/")
        cases = max((r.n for r in suite.requirements), default=0)
        of = f" (n = {cases})" if cases else ""
        parts.append(f"{name} {', '.join(means) or suite.decision}{of}")
    return "; ".join(parts)
