"""Whether a key counts for what its signer's role signed at a time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from tetrad.evidence.refused import Refused

if TYPE_CHECKING:
    from tetrad.model import Signer, SignerRole

SKEW = timedelta(minutes=5)  # by which clocks of signers and verifiers may differ


def refusal_of(signer: Signer, role: SignerRole, moment: datetime) -> Refused | None:
    """Why a key does not count for what a role signed at a time."""
    if signer.role != role:
        return Refused(
            "role", f"{signer.name} is {_with_article(signer.role)}, not {_with_article(role)}"
        )
    if signer.revoked is not None:
        return Refused("revoked", f"the key of {signer.name} was revoked on {signer.revoked}")
    if signer.valid is not None:
        first, last = (datetime(d.year, d.month, d.day, tzinfo=UTC) for d in signer.valid)
        if first - moment > SKEW or moment - last >= timedelta(days=1) + SKEW:
            return Refused(
                "validity",
                f"signed on {moment:%Y-%m-%d}; the key of {signer.name} is valid from"
                f" {signer.valid[0]} to {signer.valid[1]}",
            )
    return None


def _with_article(role: SignerRole) -> str:
    return f"{'a' if role == 'deployer' else 'an'} {role}"
