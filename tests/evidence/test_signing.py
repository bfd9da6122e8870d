"""What is signed is found signed, by the key that did and by no other."""

from __future__ import annotations

import pytest
import signing as s

from tetrad.evidence import open_envelope, seal, sign, with_key
from tetrad.evidence.clauses import statement_of


def test_a_statement_that_is_signed_is_the_one_that_is_read() -> None:
    made = sign(s.approval(), identity=s.IDENTITY, name="triage", sealing=with_key(s.key("ada")))

    statement, signers = statement_of(made, s.environment(), s.NOW)

    assert (statement.identity, statement.name) == (s.IDENTITY, "triage")
    assert statement.predicate == s.approval()
    assert [signer.name for signer in signers] == ["ada"]


@pytest.mark.parametrize("kind", ["application/vnd.in-toto+json", "text/plain", "", "ä"])
def test_a_signature_is_over_the_type_of_the_payload(kind: str) -> None:
    ada, deploy = s.key("ada"), s.key("deploy")
    envelope = open_envelope(seal(b"said", [ada], kind))

    assert envelope.signed_by([deploy.public, ada.public, ada.public]) == (ada.public,)
    other = open_envelope(
        seal(b"said", [ada], kind).replace(b'"payloadType":"', b'"payloadType":"x')
    )
    assert other.payload_type == f"x{kind}"
    assert other.signed_by([ada.public]) == ()
