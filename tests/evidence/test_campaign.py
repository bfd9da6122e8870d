"""However an envelope is damaged, it is refused by a named clause, and takes nothing away.

`make campaigns` looks at 70,000 mutants, of the 100,000 of TETRAD_MUTANTS; the others are of reports
(tests/attestation/test_campaign.py) and of registries (tests/registry/test_campaign.py).
"""

from __future__ import annotations

import base64
import json
import os
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from random import Random
from typing import Any, get_args

import pytest
import signing as s
from evidence.mutations import changed_bytes, changed_document

from tetrad.canonical import canonical_json
from tetrad.evidence import Clause, Refused, open_envelope, seal, verify
from tetrad.evidence.statements import predicate_type_of, read_statement, write_statement

ENVELOPES = (*s.passing(), s.signed(s.admission(), "deploy"))
SHARE = 7  # of ten mutants
SIGNER = ("ci", "ci", "ada", "deploy")
Mutant = Callable[[int, Random], bytes]


def payload_of(number: int) -> bytes:
    return open_envelope(ENVELOPES[number]).payload


def damaged_envelope(number: int, random: Random) -> bytes:
    return changed_bytes(ENVELOPES[number], random)


def changed_envelope(number: int, random: Random) -> bytes:
    document = changed_document(json.loads(ENVELOPES[number]), random)
    return json.dumps(document).encode()


def changed_payload(number: int, random: Random) -> bytes:
    """Under the signature of what it was."""
    envelope = json.loads(ENVELOPES[number])
    payload = changed_bytes(payload_of(number), random)
    return canonical_json({**envelope, "payload": base64.b64encode(payload).decode()})


def signed_by_others(number: int, random: Random) -> bytes:
    """A sound or a changed statement, by keys that may not say it."""
    payload = payload_of(number)
    if random.random() < 0.5:
        payload = json.dumps(changed_document(json.loads(payload), random)).encode()
    names = [
        name for name in ("mallory", "nightly", "ada", "deploy", "ci") if name != SIGNER[number]
    ]
    return seal(payload, [s.key(name) for name in random.sample(names, random.randint(1, 3))])


def written(document: Any) -> bytes:
    try:
        return canonical_json(document)
    except ValueError:
        return json.dumps(document).encode()


def signed_again(number: int, random: Random) -> bytes:
    """A changed statement, by the key that may say it."""
    document = changed_document(json.loads(payload_of(number)), random)
    return seal(written(document), [s.key(SIGNER[number])])


def damaged_and_signed_again(number: int, random: Random) -> bytes:
    return seal(changed_bytes(payload_of(number), random), [s.key(SIGNER[number])])


# What nobody who may has signed counts for nothing, whatever it says.
UNSIGNED: Mapping[str, Mutant] = {
    "damaged envelopes": damaged_envelope,
    "changed envelopes": changed_envelope,
    "changed payloads": changed_payload,
    "wrong keys": signed_by_others,
}
SIGNED: Mapping[str, Mutant] = {
    "changed and signed again": signed_again,
    "damaged and signed again": damaged_and_signed_again,
}


def counts(number: int, mutant: bytes) -> bool:
    """Whether the mutant counts in place of what it was made of; its clause is known if not."""
    others = [data for place, data in enumerate(ENVELOPES[:3]) if place != number]
    if number == 0:
        others[0] = s.signed(s.summary(mutant), "ci")
    found = verify(
        s.expected(), s.environment(), [mutant] if number == 3 else [mutant, *others], now=s.NOW
    )
    for aside in found.set_aside:
        assert aside.clause in get_args(Clause)
        assert aside.message
    assert found.is_yes or found.unmet
    return found.is_yes


def is_same(number: int, mutant: bytes) -> bool:
    """Whether the envelope still says the same, signed by the same key."""
    envelope, original = open_envelope(mutant), open_envelope(ENVELOPES[number])
    return (envelope.payload_type, envelope.payload) == (original.payload_type, original.payload)


def decisive(envelope: bytes) -> Any:
    """What a statement has to say to count, read without our own reader."""
    payload = json.loads(envelope)["payload"]
    document = json.loads(base64.b64decode(payload))
    predicate = document["predicate"]
    named = ("stack", "environment", "decision", "resourceUri", "verificationResult")
    parts = ("digest", "golden", "policy", "judges", "decision")
    return (
        document["predicateType"],
        [subject["digest"] for subject in document["subject"]],
        [predicate.get(name) for name in named],
        predicate.get("policy", {}).get("uri"),
        predicate.get("verifier", {}).get("id"),
        {
            tuple(suite[part] for part in parts)
            for suite in predicate.get("suites", ())
            if suite["suite"] == s.SUITE
        },
    )


def read(mutant: bytes) -> None:
    """Reading raises nothing but Refused, and what is read is written again with the same bytes."""
    with suppress(Refused):
        payload = open_envelope(mutant).payload
        with suppress(Refused):
            assert predicate_type_of(payload)
        assert write_statement(read_statement(payload)) == payload


def run(kind: str, count: int) -> Counter[str]:
    random = Random(kind)
    made: Counter[str] = Counter()
    make = {**UNSIGNED, **SIGNED}[kind]
    for _ in range(count):
        number = random.randrange(len(ENVELOPES))
        mutant = make(number, random)
        read(mutant)
        if not counts(number, mutant):
            made["refused"] += 1
        elif kind in UNSIGNED:
            assert is_same(number, mutant), mutant
            made["the same"] += 1
        else:
            assert decisive(mutant) == decisive(ENVELOPES[number]), mutant
            made["the same in what decides"] += 1
    return made


@pytest.mark.parametrize("kind", [*UNSIGNED, *SIGNED])
def test_a_damaged_envelope_is_refused_by_a_clause(kind: str) -> None:
    assert run(kind, 300)["refused"] > 200


@pytest.mark.campaign
@pytest.mark.parametrize("kind", [*UNSIGNED, *SIGNED])
def test_many_damaged_envelopes_are_refused_by_a_clause(kind: str) -> None:
    mutants = int(os.environ.get("TETRAD_MUTANTS", "100000")) * SHARE // 10
    count = mutants // (len(UNSIGNED) + len(SIGNED)) + 1
    made = run(kind, count)
    assert made.total() == count
    assert made["refused"] > count * 0.6
