"""What cannot be seen makes no difference where it means none, and is named where it does."""

from __future__ import annotations

import json
import unicodedata

import pytest
from assertions.test_assertions import judged, nfd
from evals.cases import assertion
from hypothesis import given
from hypothesis import strategies as st

TYPES = [
    "equals", "contains", "icontains", "starts-with", "contains-all", "contains-any", "icontains-all", "icontains-any",
]  # fmt: skip


@pytest.mark.parametrize("type_", TYPES)
def test_the_way_an_accent_was_typed_makes_no_difference(type_: str) -> None:
    typed = "Le café est déjà prêt"

    assert judged(assertion(type_, typed), nfd(typed)).passed
    assert judged(assertion(type_, nfd(typed)), typed).passed
    assert not judged(assertion(f"not-{type_}", typed), nfd(typed)).passed


def test_it_makes_none_within_json() -> None:
    wanted = {nfd("clé"): ["é", {"a": nfd("ü")}]}

    assert judged(assertion("equals", wanted), '{"clé": ["e\\u0301", {"a": "ü"}]}').passed


@pytest.mark.parametrize(
    ("type_", "wanted", "text", "why"),
    [
        ("contains", "10 000 €", "Il coûte 10\u202f000 €.", "U+202F NARROW NO-BREAK SPACE where a space is expected"),
        ("contains", "10\u00a0000", "10 000", "a space where U+00A0 NO-BREAK SPACE is expected"),
        ("icontains", "TEN EURO", "it is ten\u00a0euro", "U+00A0 NO-BREAK SPACE where a space is expected"),
        ("equals", "yes\n", "yes", "the expected text ends in a newline"),
        ("contains", "yes\n", "oh yes", "the expected text ends in a newline"),
        ("starts-with", "yes\n", "yes, it is", "the expected text ends in a newline"),
        ("equals", "yes", "yes\n", "the answer ends in a newline"),
        ("equals", "yes ", "yes\n", "the expected text ends in a space and the answer ends in a newline"),
        ("starts-with", "yes", "\u00a0yes", "the answer begins with U+00A0 NO-BREAK SPACE"),
        ("equals", "a b\n", "a\u2009b", "U+2009 THIN SPACE where a space is expected; the expected text ends in a newline"),
        ("equals", "one\ntwo", "one\r\ntwo", "U+000D CARRIAGE RETURN where nothing is expected"),
        ("equals", "yes", "\ufeffyes", "U+FEFF ZERO WIDTH NO-BREAK SPACE where nothing is expected"),
        ("equals", "yes", "y\u200bes\u200b", "U+200B ZERO WIDTH SPACE where nothing is expected"),
        ("contains", "co\u00adop", "a coop.", "U+00AD SOFT HYPHEN is missing"),
        ("contains", "co\u00adop now", "a co\u00adop\u00a0now", "U+00A0 NO-BREAK SPACE where a space is expected"),
        (
            "contains", "co\u00adop now", "a coop\u00a0now",
            "U+00AD SOFT HYPHEN is missing; U+00A0 NO-BREAK SPACE where a space is expected",
        ),
        ("contains", "\u200b", "", "U+200B ZERO WIDTH SPACE is missing"),
        ("contains", "a b", "a\u00a0b a\u2009b", "U+00A0 NO-BREAK SPACE where a space is expected"),
        ("contains", "don't", "We don’t.", "U+2019 RIGHT SINGLE QUOTATION MARK where \"'\" is expected"),
        ("contains", "2020-2021", "in 2020–2021", 'U+2013 EN DASH where "-" is expected'),
        ("contains", "office", "the oﬃce", 'U+FB03 LATIN SMALL LIGATURE FFI where "f" is expected'),
        ("contains", "wait...", "oh wait…", 'U+2026 HORIZONTAL ELLIPSIS where "." is expected'),
        ("equals", "paypal", "pаypal", 'U+0430 CYRILLIC SMALL LETTER A where "a" is expected'),
        ("equals", "a  b", "a b", "only spaces, tabs and newlines differ"),
        ("contains", "a b", "x a\tb", "only spaces, tabs and newlines differ"),
        ("starts-with", "a\n\nb", "a\nb", "only spaces, tabs and newlines differ"),
        ("contains-all", ["a", "b c"], "a b\u00a0c", "U+00A0 NO-BREAK SPACE where a space is expected"),
        ("contains-any", ["x", "b c"], "a b\u00a0c", "U+00A0 NO-BREAK SPACE where a space is expected"),
    ],
)  # fmt: skip
def test_what_cannot_be_seen_is_named(type_: str, wanted: object, text: str, why: str) -> None:
    result = judged(assertion(type_, wanted), text)

    assert not result.passed
    assert result.reason.endswith(f": {why}")


NFD_FOUND = "decomposed characters (NFD) where composed characters (NFC) are expected"


@pytest.mark.parametrize(
    ("schema", "text", "why"),
    [
        ({"const": "café"}, nfd("café"), NFD_FOUND),
        ({"const": nfd("café")}, "café", "composed characters (NFC) where decomposed characters (NFD) are expected"),
        ({"enum": ["thé", "café"]}, nfd("café"), NFD_FOUND),
        ({"pattern": "^café$"}, nfd("café"), NFD_FOUND),
        ({"const": "5 EUR"}, "5\u202fEUR", "U+202F NARROW NO-BREAK SPACE where a space is expected"),
        ({"pattern": "^[0-9]+ EUR$"}, "5\u202fEUR", "U+202F NARROW NO-BREAK SPACE where a space is expected"),
        ({"pattern": "^[0-9]+$"}, "5\u200b", "U+200B ZERO WIDTH SPACE where nothing is expected"),
        ({"pattern": "^[0-9]+$"}, "5\n", "the answer ends in a newline"),
        ({"enum": ["yes", "no"]}, "yes ", "the answer ends in a space"),
        ({"const": "a"}, "а", 'U+0430 CYRILLIC SMALL LETTER A where "a" is expected'),
    ],
)  # fmt: skip
@pytest.mark.parametrize("type_", ["is-json", "contains-json"])
def test_it_is_named_where_a_schema_refuses_a_text(
    type_: str, schema: dict[str, str], text: str, why: str
) -> None:
    answer = json.dumps({"a": text})
    result = judged(assertion(type_, {"properties": {"a": schema}}), answer)

    assert not result.passed
    assert result.reason.endswith(f": {why}")


@pytest.mark.parametrize("schema", [{"const": "a"}, {"enum": ["a", 1]}, {"pattern": "^a$"}])
def test_a_schema_that_another_text_breaks_says_no_more(schema: dict[str, str]) -> None:
    assert judged(assertion("is-json", schema), '"b"').reason.endswith(
        ('"^a$"', '"a" was expected', '"a" or 1')
    )


@pytest.mark.parametrize(
    ("type_", "wanted", "text"),
    [
        ("equals", "yes", "no"),
        ("contains", "a\u00a0b", "a\u00a0c"),
        ("starts-with", "b", "a\u200bb"),
    ],
)
def test_nothing_is_named_where_the_texts_differ_for_all_to_see(
    type_: str, wanted: str, text: str
) -> None:
    assert judged(assertion(type_, wanted), text).reason.endswith(
        f'"{wanted}"'.replace("\u00a0", " ")
    )


UNSEEN = st.text(
    st.sampled_from("ab -'\"\n\r\t\u00a0\u202f\u200b\u00ad\ufeff’“–ﬃ…é\u0301\u2028\ufe0f"),
    max_size=12,
)


@given(st.sampled_from(TYPES), UNSEEN.filter(lambda text: text.strip(' ,"\n\r\t')), UNSEEN)
def test_a_reason_is_given_for_any_two_texts(type_: str, wanted: str, text: str) -> None:
    listed = type_.endswith(("-all", "-any"))

    result = judged(assertion(type_, [wanted] if listed else wanted), text)

    assert result.reason
    if unicodedata.normalize("NFC", wanted) == unicodedata.normalize("NFC", text):
        assert result.passed
