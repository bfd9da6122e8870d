"""Whose evidence an identity serves on, by the envelopes that the registry holds."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from tetrad.canonical import Digest
from tetrad.evidence import Refused
from tetrad.evidence.clauses import statement_of
from tetrad.evidence.statements import Admission, Approval, Evaluation
from tetrad.model import Environment


@dataclass(frozen=True, kw_only=True, slots=True)
class Proof:
    """Who vouches for an identity, by the names of their keys: each is signed by a key that counts."""

    evaluated_by: tuple[str, ...] = ()
    approved_by: tuple[str, ...] = ()
    admitted_by: tuple[str, ...] = ()
    last_signed: datetime | None = None  # of the evaluations


def proof_of(
    identity: Digest, envelopes: Iterable[bytes], environment: Environment, now: datetime
) -> Proof:
    """Envelopes that do not count, or are about something else, are passed over."""
    evaluated: dict[str, None] = {}
    approved: dict[str, None] = {}
    admitted: dict[str, None] = {}
    signed: list[datetime] = []
    for data in envelopes:
        try:
            statement, signers = statement_of(data, environment, now)
        except Refused:
            continue
        if statement.identity != identity:
            continue
        names = dict.fromkeys(signer.name for signer in signers)
        match statement.predicate:
            case Evaluation(attested_on=moment):
                evaluated |= names
                signed.append(moment)
            case Approval(environment=named) if named == environment.name:
                approved |= names
            case Admission(environment=named) if named == environment.name:
                admitted |= names
            case _:
                pass
    return Proof(
        evaluated_by=tuple(evaluated),
        approved_by=tuple(approved),
        admitted_by=tuple(admitted),
        last_signed=max(signed, default=None),
    )


class KeptProofs:
    """Proofs, for as long as the registry holds nothing new: signatures take their time to verify, and
    every viewer asks every two seconds. May be used in several threads.
    """

    def __init__(self) -> None:
        self._kept: tuple[Hashable, dict[Digest, Proof]] = (None, {})

    def of(
        self, identities: Iterable[Digest], version: Hashable, prove: Callable[[Digest], Proof]
    ) -> Mapping[Digest, Proof]:
        """`version` changes whenever a proof may."""
        known, proofs = self._kept
        if known != version:
            proofs = {}
            self._kept = version, proofs
        for identity in identities:
            if identity not in proofs:
                proofs[identity] = prove(identity)
        return proofs
