"""Which suites evidence covers, and the summary of it for one environment."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from tetrad import __version__
from tetrad.canonical import Digest, canonical_json, digest_bytes
from tetrad.evidence import Refused, open_envelope
from tetrad.evidence.statements import (
    VERIFIER,
    Evaluation,
    Resource,
    Summary,
    Verdict,
    VerifierId,
    read_statement,
    resource_uri,
)
from tetrad.identity.suite_digest import suite_digest
from tetrad.model import Environment, Repository, Stack

_LEVEL = "TETRAD_EVALUATED"


def suites_in(data: bytes, head: Repository) -> frozenset[str]:
    """The commit's suites that an earlier envelope says were passed; whoever verifies it asks more."""
    try:
        found = read_statement(open_envelope(data).payload).predicate
    except Refused:
        return frozenset()
    if not isinstance(found, Evaluation) or found.decision != "PASSED":
        return frozenset()
    return frozenset(
        said.suite
        for said in found.suites
        if said.suite in head.suites and said.digest == suite_digest(head.suites[said.suite])
    )


def environments(stack: Stack, head: Repository) -> Iterator[Environment]:
    by_name = {environment.name: environment for environment in head.environments.values()}
    return (by_name[name] for name in stack.environments if name in by_name)


def summary_for(
    stack: Stack,
    environment: Environment,
    inputs: Sequence[Digest],
    verdict: Verdict,
    now: datetime,
) -> Summary:
    return Summary(
        verifier=VerifierId(id=VERIFIER, version={"tetrad": __version__}),
        time_verified=now,
        resource_uri=resource_uri(environment.name, stack.ref),
        policy=Resource(
            uri=environment.ref,
            digest={"sha256": digest_bytes(canonical_json(environment.document)).hex},
        ),
        input_attestations=tuple(
            Resource(uri=f"tetrad:evidence/{digest.hex}", digest={"sha256": digest.hex})
            for digest in inputs
        ),
        verification_result=verdict,
        verified_levels=(_LEVEL if verdict == "PASSED" else "FAILED",),
    )
