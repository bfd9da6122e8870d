"""The published vectors of verification, read as another implementation would read them."""

from __future__ import annotations

import base64
import json
from datetime import date, datetime
from pathlib import Path
from typing import Any, get_args

import evidence_vectors
import pytest
from goldens import check_golden

from tetrad.canonical import Digest, digest_bytes
from tetrad.ed25519 import read_public
from tetrad.errors import Location
from tetrad.evidence import Clause, Expected, Verification, verify
from tetrad.evidence.expected import ListedWaiver, SuiteParts
from tetrad.model import ApprovalRule, Environment, EvidenceRule, Signer

FOLDER = Path(__file__).parent / "vectors"
NAMES = sorted(path.stem for path in FOLDER.glob("*.json"))


def read(name: str) -> Any:
    return json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))


def signer_of(name: str, raw: Any) -> Signer:
    days = raw["valid"] and tuple(map(date.fromisoformat, raw["valid"]))
    return Signer(
        name=name,
        key=read_public(raw["key"].encode()),
        role=raw["role"],
        valid=days,
        revoked=raw["revoked"] and date.fromisoformat(raw["revoked"]),
        teams=tuple(raw["teams"]),
        authors=tuple(raw["authors"]),
    )


def environment_of(raw: Any) -> Environment:
    evidence, approvals = raw["evidence"], raw["approvals"]
    return Environment(
        ref=raw["ref"],
        location=Location(f"{raw['ref']}.yaml"),
        signers={name: signer_of(name, signer) for name, signer in raw["signers"].items()},
        evidence=evidence
        and EvidenceRule(signers=tuple(evidence["signers"]), max_age_days=evidence["max_age_days"]),
        approvals=approvals
        and ApprovalRule(
            count=approvals["count"],
            teams=tuple(approvals["teams"]),
            not_author=approvals["not_author"],
        ),
        unpinned=frozenset(raw["unpinned"]),
        document={},
    )


def expected_of(raw: Any) -> Expected:
    return Expected(
        stack=raw["stack"],
        identity=Digest.parse(raw["identity"]),
        suites={
            ref: SuiteParts(**{name: Digest.parse(digest) for name, digest in parts.items()})
            for ref, parts in raw["suites"].items()
        },
        unpinned=frozenset(raw["unpinned"]),
        waivers=frozenset(ListedWaiver(**waiver) for waiver in raw["waivers"]),
    )


def bytes_of(raw: Any) -> bytes:
    return raw.encode() if isinstance(raw, str) else base64.b64decode(raw["base64"])


def asked(vector: Any) -> Verification:
    return verify(
        expected_of(vector["expected"]),
        environment_of(vector["environment"]),
        list(map(bytes_of, vector["envelopes"])),
        now=datetime.fromisoformat(vector["now"]),
        authors=frozenset(vector["authors"]),
        withdrawn=vector["withdrawn"],
    )


@pytest.mark.parametrize("name", NAMES)
def test_the_verdict_is_the_published_one(name: str) -> None:
    vector = read(name)
    envelopes = list(map(bytes_of, vector["envelopes"]))
    found = asked(vector)
    verdict = vector["verdict"]
    aside = {
        (digest_bytes(envelopes[int(place)]), clause)
        for place, clause in verdict["set_aside"].items()
    }
    assert found.is_yes is verdict["yes"]
    assert sorted(u.clause for u in found.unmet) == sorted(verdict["unmet"])
    assert {(a.envelope, a.clause) for a in found.set_aside} == aside
    assert found.environment == vector["environment"]["name"]


def test_reasons_are_told_in_words() -> None:
    """Not published: another implementation has its own."""
    lines = []
    for name in NAMES:
        found = asked(read(name))
        lines += [f"{name}: {u.clause}: {u.message}" for u in found.unmet]
        lines += [f"{name}: set aside: {a.clause}: {a.message}" for a in found.set_aside]
    check_golden(FOLDER.parent / "reasons.txt", "\n".join(lines) + "\n")


def test_there_are_many_vectors_and_most_are_refused() -> None:
    refused = [name for name in NAMES if not read(name)["verdict"]["yes"]]
    assert len(NAMES) >= 80
    assert len(refused) * 3 >= len(NAMES) * 2


@pytest.mark.parametrize("clause", get_args(Clause))
def test_each_clause_refuses_by_itself(clause: str) -> None:
    """No envelope fails by another one, and all that is unmet is what the envelope would have met."""
    verdicts = [read(name)["verdict"] for name in NAMES]
    alone = [
        verdict
        for verdict in verdicts
        if not verdict["yes"]
        and (
            (set(verdict["set_aside"].values()) == {clause} and len(verdict["unmet"]) == 1)
            or (not verdict["set_aside"] and verdict["unmet"] == [clause])
        )
    ]
    assert alone


def test_the_files_are_those_that_the_script_writes() -> None:
    made = evidence_vectors.vectors()
    assert sorted(made) == NAMES
    for name, vector in made.items():
        text = (FOLDER / f"{name}.json").read_text(encoding="utf-8")
        assert text == evidence_vectors.written(vector), name
