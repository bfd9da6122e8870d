"""Redacted texts hold no personal data and no credential, and still read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lint.vectors import VECTORS

from tetrad.canonical import Json
from tetrad.runtime.credentials import credentials_in
from tetrad.runtime.personal_data import find_personal_data
from tetrad.runtime.redaction import redacted, redacted_json

BEGIN = f"-----BEGIN {'PRIVATE'} KEY-----"  # in two, so that no file looks as if it held one


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("Write to anna@example.com, or call 212-555-0123.", "Write to [mail address], or call [phone number]."),
        ("Card 4111 1111 1111 1111 12/27", "Card [card number] 12/27"),
        ("Where is order A-1234?", "Where is order A-1234?"),
        ("", ""),
    ],
)  # fmt: skip
def test_what_stood_there_is_named(text: str, kept: str) -> None:
    assert redacted(text) == kept


@pytest.mark.parametrize("name", VECTORS)
def test_no_secret_is_left(name: str) -> None:
    (found,) = credentials_in(VECTORS[name])
    secret = VECTORS[name][found.start : found.end]

    kept = redacted(f"my key: {VECTORS[name]}\nthanks")

    assert secret not in kept
    assert f"[{found.what}]" in kept


@pytest.mark.parametrize(
    ("end", "rest"), [("-----END PRIVATE KEY-----\nthanks", "\nthanks"), ("", "")]
)
def test_a_key_is_redacted_to_its_last_line(end: str, rest: str) -> None:
    body = "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg\n" * 2

    assert redacted(f"{BEGIN}\n{body}{end}") == f"[private key]{rest}"


def test_every_text_of_a_value_is_redacted() -> None:
    value: Json = {"a@example.org": ["b@example.org", {"n": 1, "ok": True}], "none": None}

    assert redacted_json(value) == {
        "[mail address]": ["[mail address]", {"n": 1, "ok": True}],
        "none": None,
    }


PARTS = st.sampled_from(
    ["a@b.example", "4111 1111 1111 1111", "+49 30 1234567", "DE89370400440532013000", " ", "x", "-", *VECTORS.values()]
)  # fmt: skip


@given(st.lists(PARTS, max_size=6).map("".join))
def test_redacting_twice_changes_nothing_more(text: str) -> None:
    once = redacted(text)

    assert redacted(once) == once
    assert not list(credentials_in(once))
    assert not find_personal_data(once)
