"""Evidence that a CI job signed by Sigstore, without a key of its own: verified offline, by a trusted
root of the test's own, and refused wherever anything in a bundle is not what was certified and logged.
"""

from __future__ import annotations

import base64
import json
import random
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import signing as s
from cryptography import x509
from sigstores import ISSUER, WORKFLOW, Sigstore

from tetrad.canonical import canonical_json, digest_bytes
from tetrad.evidence import Refused
from tetrad.evidence.clauses import statement_of
from tetrad.evidence.keyless import certified_to
from tetrad.model import Environment

Json = dict[str, Any]


@pytest.fixture(scope="module")
def sigstore() -> Sigstore:
    made = Sigstore()
    made.now = s.NOW - timedelta(days=2)  # when evidence of `signing` says that it was signed
    return made


def environment(sigstore: Sigstore, **changes: Any) -> Environment:
    """The environment of `signing`, where the CI job has no key."""
    job = replace(s.signer("ci", "evaluator"), key=sigstore.trusted(**changes))
    made = s.environment(approvals=None)
    return replace(made, signers={**made.signers, "ci": job})


def evidence(sigstore: Sigstore) -> list[bytes]:
    """An evaluation and the summary that rests on it."""
    evaluated = sigstore.sealed(s.payload(s.evaluation()))
    return [evaluated, sigstore.sealed(s.payload(s.summary(evaluated)))]


def test_what_a_job_signed_counts_where_the_environment_names_the_job(sigstore: Sigstore) -> None:
    found = s.answer(environment(sigstore), evidence(sigstore))

    assert found.is_yes
    assert len(found.accepted) == 2


def test_a_bundle_says_to_whom_its_key_was_certified(sigstore: Sigstore) -> None:
    (bundle,) = evidence(sigstore)[:1]

    assert certified_to(bundle) == (WORKFLOW, ISSUER)


OTHERS: dict[str, Json] = {
    "another workflow": {"identity": WORKFLOW.replace("gate.yml", "other.yml")},
    "another branch": {"identity": WORKFLOW.replace("main", "change")},
    "another repository": {"identity": WORKFLOW.replace("acme", "emca")},
    "the beginning of the identity": {"identity": WORKFLOW[:-1]},
    "another issuer": {"issuer": "https://gitlab.com"},
}


@pytest.mark.parametrize("name", OTHERS)
def test_what_another_job_signed_counts_for_nothing(name: str, sigstore: Sigstore) -> None:
    found = s.answer(environment(sigstore, **OTHERS[name]), evidence(sigstore))

    assert not found.is_yes
    assert s.clauses(found) == {"signature"}


def test_another_authority_is_not_believed(sigstore: Sigstore) -> None:
    other = Sigstore()
    other.now = sigstore.now

    assert s.clauses(s.answer(environment(sigstore), evidence(other))) == {"signature"}


def test_a_key_signs_nothing_for_a_job_and_a_job_nothing_for_a_key(sigstore: Sigstore) -> None:
    with_keys = [s.signed(s.evaluation(), "ci")]

    assert s.clauses(s.answer(environment(sigstore), with_keys)) == {"signature"}
    assert s.clauses(s.answer(s.environment(), evidence(sigstore))) == {"signature"}


@pytest.mark.parametrize("minutes", [-60, 60])
def test_a_statement_of_another_time_than_its_certificate_is_refused(
    minutes: int, sigstore: Sigstore
) -> None:
    said = s.evaluation(attested_on=sigstore.now + timedelta(minutes=minutes))

    with pytest.raises(Refused, match="with a key that was certified from") as refused:
        statement_of(sigstore.sealed(s.payload(said)), environment(sigstore), s.NOW)
    assert refused.value.clause == "validity"


def test_role_days_and_revocation_are_asked_as_of_keys(sigstore: Sigstore) -> None:
    made = environment(sigstore)
    refusing: dict[str, Json] = {
        "role": {"role": "approver"},
        "validity": {"valid": (s.YEAR[1], s.YEAR[1])},
        "revoked": {"revoked": s.YEAR[0]},
    }
    for clause, changes in refusing.items():
        job = replace(made.signers["ci"], **changes)
        changed = replace(made, signers={**made.signers, "ci": job})
        assert s.clauses(s.answer(changed, evidence(sigstore))) == {clause}


def changed(change: Callable[[Json], object], bundle: bytes) -> bytes:
    document = json.loads(bundle)
    change(document)
    return json.dumps(document).encode()


def entry(document: Json) -> Json:
    found: Json = document["verificationMaterial"]["tlogEntries"][0]
    return found


ENVELOPE = {"payload", "payloadType", "signatures"}
DAMAGED: dict[str, tuple[Callable[[Json], object], str]] = {
    "an unknown field": (lambda d: d.update(x=1), "envelope"),
    "another version": (
        lambda d: d.update(mediaType="application/vnd.dev.sigstore.bundle+json;version=0.2"),
        "envelope",
    ),
    "no material": (lambda d: d.pop("verificationMaterial"), "envelope"),
    "a message in the place of an envelope": (
        lambda d: d.update(messageSignature=d.pop("dsseEnvelope")), "envelope"
    ),
    "an unknown field in the envelope": (lambda d: d["dsseEnvelope"].update(x=1), "envelope"),
    "no certificate": (lambda d: d["verificationMaterial"].pop("certificate"), "signature"),
    "no log entry": (lambda d: d["verificationMaterial"].update(tlogEntries=[]), "signature"),
    "an unknown field in the log entry": (lambda d: entry(d).update(x=1), "signature"),
    "no promise": (lambda d: entry(d).pop("inclusionPromise"), "signature"),
    "no proof": (lambda d: entry(d).pop("inclusionProof"), "signature"),
    "another time": (lambda d: entry(d).update(integratedTime="1"), "signature"),
    "no time": (lambda d: entry(d).pop("integratedTime"), "signature"),
    "another payload": (lambda d: d["dsseEnvelope"].update(payload="e30="), "signature"),
    "another type": (lambda d: d["dsseEnvelope"].update(payloadType="x"), "payload-type"),
}  # fmt: skip


@pytest.mark.parametrize("name", DAMAGED)
def test_a_bundle_that_somebody_changed_is_refused_by_its_clause(
    name: str, sigstore: Sigstore
) -> None:
    change, clause = DAMAGED[name]
    bundle = changed(change, evidence(sigstore)[0])

    with pytest.raises(Refused) as refused:
        statement_of(bundle, environment(sigstore), s.NOW)
    assert refused.value.clause == clause


def with_a_disallowed_serial_number(document: Json) -> None:
    """With a negative one, which RFC 5280 disallows and the library warns of."""
    place = document["verificationMaterial"]["certificate"]
    der = base64.b64decode(place["rawBytes"])
    serial = x509.load_der_x509_certificate(der).serial_number
    data = serial.to_bytes(serial.bit_length() // 8 + 1, "big")
    assert der.count(data) == 1
    place["rawBytes"] = base64.b64encode(
        der.replace(data, bytes([data[0] | 0x80]) + data[1:])
    ).decode()


def test_a_certificate_that_the_library_warns_of_is_refused_without_a_word(
    sigstore: Sigstore,
) -> None:
    bundle = changed(with_a_disallowed_serial_number, evidence(sigstore)[0])

    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        with pytest.raises(Refused, match="signature"):
            statement_of(bundle, environment(sigstore), s.NOW)
    assert warned == []


def test_a_log_entry_of_another_signature_is_refused(sigstore: Sigstore) -> None:
    one, other = (json.loads(bundle) for bundle in evidence(sigstore))
    one["verificationMaterial"]["tlogEntries"] = other["verificationMaterial"]["tlogEntries"]

    with pytest.raises(Refused, match="signature"):
        statement_of(json.dumps(one).encode(), environment(sigstore), s.NOW)


def leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    items = (
        value.items() if isinstance(value, dict)
        else enumerate(value) if isinstance(value, list) else ()
    )  # fmt: skip
    for key, item in items:
        yield (*path, key)
        yield from leaves(item, (*path, key))


VALUES: tuple[Any, ...] = (
    None, True, 0, -1, 2**70, 1.5, "", "x", "-1", "99999999999999999999", "AAAA", [], [{}], {}, "\ud800",
)  # fmt: skip


def mutated(bundle: Json, chance: random.Random) -> bytes:
    """A bundle with one value removed, put in the place of another, or changed in a few of its bits."""
    made = json.loads(json.dumps(bundle))
    path = chance.choice(list(leaves(made)))
    place = made
    for key in path[:-1]:
        place = place[key]
    match chance.randrange(4):
        case 0:
            del place[path[-1]]
        case 1:
            place[path[-1]] = chance.choice(VALUES)
        case 2 if isinstance(place[path[-1]], str):
            text = list(place[path[-1]])
            for _ in range(chance.randint(1, 4)):
                if text:
                    text[chance.randrange(len(text))] = chance.choice("ABcd01+/=-_ \n")
            place[path[-1]] = "".join(text)
        case _:
            data = bytearray(canonical_json(made))
            data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
            return bytes(data)
    return json.dumps(made).encode()


def campaign(sigstore: Sigstore, count: int, seed: int) -> None:
    chance, made = random.Random(seed), environment(sigstore)
    bundle = json.loads(evidence(sigstore)[0])
    sound, _ = statement_of(json.dumps(bundle).encode(), made, s.NOW)
    refused = 0
    for _ in range(count):
        data = mutated(bundle, chance)
        try:
            statement, _ = statement_of(data, made, s.NOW)
        except Refused:
            refused += 1
        else:  # white space, a key id: nothing that says anything else
            assert statement == sound, data
    assert refused > count * 0.8


def test_nothing_but_our_error_comes_of_a_changed_bundle(sigstore: Sigstore) -> None:
    campaign(sigstore, 1_500, seed=1)


@pytest.mark.campaign
def test_a_campaign_of_changed_bundles(sigstore: Sigstore) -> None:
    campaign(sigstore, 50_000, seed=2)


def test_a_trusted_root_that_cannot_be_read_refuses(sigstore: Sigstore) -> None:
    made = environment(sigstore, root=b'{"mediaType": "application/vnd.dev.sigstore.trustedroot"}')

    with pytest.raises(Refused, match="the trusted root of Sigstore cannot be read"):
        statement_of(evidence(sigstore)[0], made, s.NOW)


def test_the_public_instance_is_known_without_the_network(
    sigstore: Sigstore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))

    with pytest.raises(Refused, match="no key of the environment signed it"):
        statement_of(evidence(sigstore)[0], environment(sigstore, root=None), s.NOW)


WITHOUT = """
import sys
sys.modules["sigstore"] = None
sys.path[:0] = {path!r}
import test_keyless as t, signing as s
made = t.Sigstore()
made.now = s.NOW - t.timedelta(days=2)
found = s.answer(t.environment(made), t.evidence(made))
print(found.is_yes, *(aside.message for aside in found.set_aside))
print(s.answer(s.environment(approvals=None), [s.signed(s.evaluation(), "ci")]).set_aside)
"""


def test_without_the_extra_a_bundle_is_set_aside_and_says_why() -> None:
    paths = [str(Path(__file__).parent), str(Path(__file__).parents[1])]
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT.format(path=paths)],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    needs = "a Sigstore bundle: verifying it needs pip install 'tetrad[sigstore]'"

    assert done.stdout.splitlines() == [f"False {needs} {needs}", "()"]


def test_a_bundle_is_found_by_the_digest_of_its_bytes(sigstore: Sigstore) -> None:
    envelopes = evidence(sigstore)

    assert set(s.answer(environment(sigstore), envelopes).accepted) == set(
        map(digest_bytes, envelopes)
    )
