"""Approvals of people who logged in and have no key: verified offline, as evidence of CI jobs is."""

from __future__ import annotations

from copy import copy
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import signing as s
from sigstores import Sigstore

from tetrad.evidence import verify
from tetrad.model import ApprovalRule, Environment

ADA = {"identity": "ada@example.com", "issuer": "https://accounts.example.com"}


@pytest.fixture(scope="module")
def person() -> Sigstore:
    """Services where Ada logs in."""
    made = Sigstore(**ADA)
    made.now = s.NOW - timedelta(days=1)  # when approvals of `signing` say that they were signed
    return made


def approved_by(person: Sigstore, **changes: Any) -> Environment:
    """The environment of `signing`, where Ada has no key."""
    made = s.environment()
    ada = replace(made.signers["ada"], key=person.trusted(**ADA), **changes)
    return replace(made, signers={**made.signers, "ada": ada})


def approvals(person: Sigstore, minutes: int = 0) -> list[bytes]:
    """What passes but for the approval, and Ada's."""
    said = s.approval(approved_on=person.now + timedelta(minutes=minutes))
    return [*s.passing()[:2], person.sealed(s.payload(said))]


def test_what_a_person_approved_who_logged_in_counts(person: Sigstore) -> None:
    found = s.answer(approved_by(person), approvals(person))

    assert found.is_yes
    assert len(found.accepted) == 3


UNAPPROVED: dict[str, tuple[str, dict[str, str], dict[str, Any]]] = {
    "another person": ("signature", {"identity": "eve@example.com"}, {}),
    "a person of another domain": ("signature", {"identity": "ada@example.com.evil.net"}, {}),
    "another login": ("signature", {"issuer": "https://login.example.net"}, {}),
    "an evaluator": ("role", {}, {"role": "evaluator"}),
    "a former day": ("validity", {}, {"valid": (s.YEAR[1], s.YEAR[1])}),
    "a revoked person": ("revoked", {}, {"revoked": s.YEAR[0]}),
    "another team": ("approvals", {}, {"teams": ("support",)}),
    "a person who may be the author": ("approvals", {}, {"authors": ()}),
}


@pytest.mark.parametrize("name", UNAPPROVED)
def test_what_another_person_approved_is_set_aside_by_its_clause(
    name: str, person: Sigstore
) -> None:
    clause, who, changes = UNAPPROVED[name]
    made = copy(person)
    made.identity, made.issuer = (
        who.get("identity", ADA["identity"]),
        who.get("issuer", ADA["issuer"]),
    )
    found = s.answer(approved_by(person, **changes), approvals(made))

    assert not found.is_yes
    assert s.clauses(found) == {clause}
    assert {unmet.clause for unmet in found.unmet} == {"approvals"}


def test_an_author_approves_nothing_by_logging_in(person: Sigstore) -> None:
    found = verify(
        s.expected(), approved_by(person), approvals(person), now=s.NOW,
        authors=frozenset({"Ada@Example.com"}),
    )  # fmt: skip

    assert s.clauses(found) == {"approvals"}


@pytest.mark.parametrize("minutes", [-60, 60])
def test_an_approval_of_another_time_than_its_login_is_refused(
    minutes: int, person: Sigstore
) -> None:
    assert s.clauses(s.answer(approved_by(person), approvals(person, minutes))) == {"validity"}


def test_a_person_with_a_key_and_a_login_is_one(person: Sigstore) -> None:
    made = approved_by(person)
    with_key = s.signer("ada2", "approver", teams=("platform",), authors=("ADA@example.com",))
    rule = ApprovalRule(count=2, teams=("platform",))
    login = replace(made.signers["ada"], authors=())
    signers = {**made.signers, "ada": login, "ada2": with_key}
    envelopes = [*approvals(person), s.signed(s.approval(), "ada2")]
    found = s.answer(replace(made, signers=signers, approvals=rule), envelopes)
    assert [unmet.message for unmet in found.unmet] == ["1 of 2 approvals of platform"]

    at_home = replace(with_key, authors=("ada@home.example",))
    both = replace(login, authors=("ada@home.example",))
    signers = {**made.signers, "ada": both, "ada2": at_home}
    found = s.answer(replace(made, signers=signers, approvals=rule), envelopes)
    assert [unmet.message for unmet in found.unmet] == ["1 of 2 approvals of platform"]

    other = replace(with_key, authors=("grace@example.com",))
    found = s.answer(replace(made, signers={**signers, "ada2": other}, approvals=rule), envelopes)
    assert found.is_yes
