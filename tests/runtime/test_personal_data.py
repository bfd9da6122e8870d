from __future__ import annotations

import time

import pytest

from tetrad.runtime.personal_data import find_personal_data

FOUND = [
    ("Write to anna.berg+x@mail.example.com.", "mail address"),
    ("Card 4111 1111 1111 1111 please", "card number"),
    ("5500-0000-0000-0004", "card number"),
    ("378282246310005", "card number"),
    ("IBAN DE89 3704 0044 0532 0130 00.", "IBAN"),
    ("GB82WEST12345698765432", "IBAN"),
    ("call +49 (0)30 1234567", "phone number"),
    ("(212) 555-0123", "phone number"),
    ("212-555-0123", "phone number"),
    ("SSN 123-45-6789", "social security number"),
    # what follows or precedes could be more of it
    ("Card 4111 1111 1111 1111 12/27", "card number"),
    ("4111 1111 1111 1111 2027", "card number"),
    ("2026 4111 1111 1111 1111", "card number"),
    ("4111111111111111 123", "card number"),
    ("41 11 11 11 11 11 11 11", "card number"),
    ("IBAN DE89 3704 0044 0532 0130 00 OK", "IBAN"),
    ("DE89 3704 0044 0532 0130 00 2026", "IBAN"),
    ("DE89370400440532013000 BIC COBADEFFXXX", "IBAN"),
    ("DE89370400440532013000-", "IBAN"),
    ("AB12 DE89 3704 0044 0532 0130 00", "IBAN"),
]


@pytest.mark.parametrize(("text", "kind"), FOUND)
def test_personal_data_is_found(text: str, kind: str) -> None:
    assert [found.kind for found in find_personal_data(text)] == [kind]


NOT_FOUND = [
    "4111 1111 1111 1112",  # Luhn fails
    "0000 0000 0000 0000",
    "GB82WEST12345698765433",  # mod 97 fails
    "000-12-3456", "666-12-3456", "900-12-3456", "123-00-4567", "123-45-0000",
    "order A-1234, 25 days, 2026-11-21, 10:30, 1,234.56 EUR",
    "sha256:" + "4" * 64,
    "user@localhost", "a@b", "@support-ml",
    "version 1.2.3.4, +5 points",
]  # fmt: skip


@pytest.mark.parametrize("text", NOT_FOUND)
def test_what_only_looks_like_it_is_not(text: str) -> None:
    assert find_personal_data(text) == ()


def test_every_find_has_its_place_in_order() -> None:
    text = "a@example.org and 123-45-6789"

    assert [text[f.start : f.end] for f in find_personal_data(text)] == [
        "a@example.org",
        "123-45-6789",
    ]


@pytest.mark.parametrize(
    "piece",
    ["1 ", "a@", "1-", "AB12 ", "+1 ", "a.", "(212) ", "AA00" + "A" * 40, "a@b.de ", "1234 "],
)
def test_hostile_text_is_searched_in_no_time(piece: str) -> None:
    started = time.process_time()

    find_personal_data(piece * 20_000)

    assert time.process_time() - started < 2
