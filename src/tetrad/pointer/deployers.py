"""Who may say what an environment serves, and whether an envelope is theirs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from tetrad.ed25519 import PrivateKey
from tetrad.evidence import Refused, open_envelope, seal
from tetrad.evidence.dsse import Envelope, Signature, signed_bytes, write_envelope
from tetrad.evidence.signers import refusal_of
from tetrad.model import Environment, Signer
from tetrad.pointer.pointer_json import read_pointer, write_pointer
from tetrad.pointer.pointers import Pointer

PAYLOAD_TYPE = "application/vnd.tetrad.pointer+json"


@dataclass(frozen=True, kw_only=True, slots=True)
class Deployers:
    """The keys that change an environment's pointer. Where it names none, whoever can write to the
    registry does, and envelopes carry no signature.
    """

    environment: str
    signers: tuple[Signer, ...] = ()

    @classmethod
    def of(cls, environment: Environment) -> Deployers:
        signers = (s for s in environment.signers.values() if s.role == "deployer")
        return cls(environment=environment.name, signers=tuple(signers))

    def read(self, envelope: bytes) -> Pointer:
        """The pointer that an envelope holds, by whoever signed it; raises Refused."""
        opened = open_envelope(envelope, least=1 if self.signers else 0)
        if opened.payload_type != PAYLOAD_TYPE:
            raise Refused("payload-type", f"{opened.payload_type!r} is not {PAYLOAD_TYPE}")
        signers = self._signed(opened)
        pointer = read_pointer(opened.payload)  # the bytes that were verified
        if pointer.environment != self.environment:
            raise Refused("environment", f"for the environment {pointer.environment}")
        if not self.signers:
            return pointer
        refusals = {signer: refusal_of(signer, "deployer", pointer.at) for signer in signers}
        good = [signer for signer, refusal in refusals.items() if refusal is None]
        if not good:
            raise next(refusal for refusal in refusals.values() if refusal is not None)
        return replace(pointer, change=replace(pointer.change, by=good[0].name))

    def _signed(self, envelope: Envelope) -> Sequence[Signer]:
        by_key = {signer.key: signer for signer in self.signers}
        signers = [by_key[key] for key in envelope.signed_by(by_key)]
        if self.signers and not signers:
            raise Refused("signature", "no deployer of the environment signed it")
        return signers


def seal_pointer(pointer: Pointer, keys: Sequence[PrivateKey] = ()) -> bytes:
    """The envelope of a pointer, signed by each key."""
    return seal(write_pointer(pointer), keys, PAYLOAD_TYPE)


def bytes_to_sign(payload: bytes) -> bytes:
    """What a deployer signs who holds the key elsewhere, as in a browser."""
    return signed_bytes(payload, PAYLOAD_TYPE)


def envelope_of(payload: bytes, signatures: Iterable[bytes]) -> bytes:
    """The envelope of a pointer's bytes that were signed elsewhere; nothing is verified."""
    return write_envelope(
        Envelope(
            payload=payload,
            payload_type=PAYLOAD_TYPE,
            signatures=tuple(Signature(keyid="", value=value) for value in signatures),
        )
    )
