"""Whose keys are one person's."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import pytest
import signing as s

from tetrad.evidence.people import people_of
from tetrad.model import Keyless, Signer


def with_key(name: str, *authors: str) -> Signer:
    return s.signer(name, "approver", authors=authors)


def with_login(name: str, identity: str, *authors: str) -> Signer:
    login = Keyless(identity=identity, issuer="https://accounts.example.com")
    return replace(with_key(name, *authors), key=login)


# signers, and who of them is one person
PEOPLE: dict[str, tuple[Iterable[Signer], set[frozenset[str]]]] = {
    "two who list nothing": (
        [with_key("a"), with_key("b")],
        {frozenset("a"), frozenset("b")},
    ),
    "two of one address": (
        [with_key("a", "a@x"), with_key("b", "b@x"), with_key("c", "B@X", "c@x")],
        {frozenset("a"), frozenset("bc")},
    ),
    "two whom a third one links": (
        [with_key("a", "a@x"), with_key("b", "b@x"), with_key("c", "a@x", "b@x")],
        {frozenset("abc")},
    ),
    "a login that a key lists": (
        [with_key("a", "a@x"), with_login("b", "A@x"), with_login("c", "c@x")],
        {frozenset("ab"), frozenset("c")},
    ),
    "a key that lists a login": (
        [with_login("b", "a@x"), with_key("a", "A@x")],
        {frozenset("ab")},
    ),
    "a login that lists another address": (
        [with_login("b", "b@login", "b@x"), with_key("a", "b@x"), with_key("c", "b@login")],
        {frozenset("abc")},
    ),
    "one who logs in by two ways": (
        [with_login("a", "a@x"), replace(with_login("b", "a@x"), teams=("platform",))],
        {frozenset("ab")},
    ),
}


@pytest.mark.parametrize("name", PEOPLE)
def test_who_shares_an_address_is_one(name: str) -> None:
    signers, expected = PEOPLE[name]
    found = people_of(signers)
    assert {person.keys for person in found.values()} == expected
    assert all(name in person.keys for name, person in found.items())


def test_an_author_is_who_is_listed_and_not_who_logs_in() -> None:
    found = people_of([with_login("a", "a@login", "A@x"), with_key("b", "a@x", "b@x")])
    assert found["a"].authors == found["b"].authors == {"a@x", "b@x"}
