"""Other implementations read what is written here, and what they write is read here."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

import pytest
import signing as s
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from google.protobuf.json_format import MessageToDict, ParseDict
from in_toto_attestation.predicates.vsa.v1.vsa_pb2 import VerificationSummary
from in_toto_attestation.v1.statement import Statement as InTotoStatement
from in_toto_attestation.v1.statement_pb2 import Statement as StatementMessage
from securesystemslib.dsse import Envelope as OtherEnvelope
from securesystemslib.exceptions import VerificationError
from securesystemslib.signer import CryptoSigner, Key

from tetrad.canonical import digest_bytes
from tetrad.ed25519 import key_id
from tetrad.evidence import PAYLOAD_TYPE, open_envelope, seal, verify
from tetrad.evidence.statements import VERIFIER, Predicate, Statement, VerifierId, write_statement

VERIFIED = VerifierId(id=VERIFIER, version={"tetrad": "0.1.0"})
PREDICATES: Mapping[str, Predicate] = {
    "evaluation": s.evaluation(),
    "summary": s.summary(b"run"),
    "approval": s.approval(),
    "admission": s.admission(),
}


def other_key(name: str) -> Key:
    public = s.key(name).public
    value = {"keyval": {"public": public.hex()}, "keytype": "ed25519", "scheme": "ed25519"}
    return Key.from_dict(key_id(public), value)


@pytest.mark.parametrize("kind", PREDICATES)
def test_securesystemslib_verifies_our_envelopes(kind: str) -> None:
    data = s.signed(PREDICATES[kind], "ci", "nightly")
    envelope = OtherEnvelope.from_dict(json.loads(data))
    keys = [other_key("ci"), other_key("nightly")]
    assert envelope.verify(keys, threshold=2).keys() == {key.keyid for key in keys}
    assert envelope.payload == open_envelope(data).payload
    with pytest.raises(VerificationError):
        envelope.verify([other_key("mallory")], threshold=1)


def test_envelopes_of_securesystemslib_admit_as_ours_do() -> None:
    def sealed(predicate: Predicate, name: str) -> bytes:
        payload = write_statement(Statement(identity=s.IDENTITY, name="x", predicate=predicate))
        envelope = OtherEnvelope(payload, PAYLOAD_TYPE, {})
        secret = Ed25519PrivateKey.from_private_bytes(digest_bytes(name.encode()).value)
        envelope.sign(CryptoSigner(secret))
        return json.dumps(envelope.to_dict(), indent=2).encode()

    run = sealed(s.evaluation(), "ci")
    envelopes = [run, sealed(s.summary(run), "ci"), sealed(s.approval(), "ada")]
    assert verify(s.expected(), s.environment(), envelopes, now=s.NOW).proven


@pytest.mark.parametrize("size", [0, 1, 9, 10, 300, 70_000])
def test_both_sign_the_same_bytes(size: int) -> None:
    payload = bytes(range(256)) * (size // 256 + 1)
    payload, kind = payload[:size], "text/plain; charset=ü"
    envelope = OtherEnvelope(payload, kind, {})
    ours = json.loads(seal(payload, [s.key("ci")], kind))
    theirs = other_key("ci")
    signature = base64.b64decode(ours["signatures"][0]["sig"])
    public = Ed25519PublicKey.from_public_bytes(s.key("ci").public)
    public.verify(signature, envelope.pae())
    assert OtherEnvelope.from_dict(ours).verify([theirs], 1)


def written(predicate: Predicate) -> dict[str, Any]:
    payload = write_statement(Statement(identity=s.IDENTITY, name="x", predicate=predicate))
    document: dict[str, Any] = json.loads(payload)
    return document


@pytest.mark.parametrize("kind", PREDICATES)
def test_statements_are_those_of_in_toto(kind: str) -> None:
    document = written(PREDICATES[kind])
    message = ParseDict(document, StatementMessage())
    assert MessageToDict(message) == document
    InTotoStatement.copy_from_pb(message).validate()
    assert message.subject[0].digest["sha256"] == s.IDENTITY.hex


def test_a_summary_is_one_of_slsa() -> None:
    predicate = written(s.summary(b"run", verifier=VERIFIED))["predicate"]
    # As SLSA's own pages have them, and the package not: there is no version, and one level.
    assert predicate["verifier"].pop("version") == {"tetrad": "0.1.0"}
    assert predicate.pop("verifiedLevels") == ["TETRAD_EVALUATED"]
    message = ParseDict(predicate, VerificationSummary())
    assert MessageToDict(message) == predicate
    assert message.input_attestations[0].digest["sha256"] == digest_bytes(b"run").hex
