"""Recording, once, that an environment takes an identity."""

from __future__ import annotations

from datetime import UTC, datetime

from tetrad.admission.kept_evidence import KeptEvidence
from tetrad.ed25519 import PrivateKey
from tetrad.evidence import Verification, sign, with_key
from tetrad.evidence.statements import Admission
from tetrad.model import Stack
from tetrad.snapshots import Snapshot


def admit(
    kept: KeptEvidence,
    stack: Stack,
    found: Verification,
    *,
    commit: str,
    key: PrivateKey,
    snapshot: Snapshot,
) -> bytes:
    """The envelope that says so, kept with the snapshot that it is about."""
    admission = Admission(
        stack=stack.ref,
        environment=found.environment,
        commit=commit,
        admitted_on=datetime.now(UTC),
        evidence=found.accepted,
    )
    envelope = sign(admission, identity=found.identity, name=stack.name, sealing=with_key(key))
    kept.keep(
        "admission",
        stack.ref,
        found.identity,
        [envelope],
        environment=found.environment,
        snapshot=snapshot,
    )
    return envelope
