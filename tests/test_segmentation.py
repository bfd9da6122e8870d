"""Words of every script, found the same way wherever texts are compared by them."""

from __future__ import annotations

import string
import subprocess
import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tetrad.segmentation import terms_of, tokens_of, words_of

# Letters, marks, joiners and punctuation of many scripts, which the rules treat differently.
MIXED = st.text(
    st.sampled_from(
        "abz09_'.:;,\"-@ \n·’\u200d\u0301\u00ad\u05d0\u05f4कीस्तวั保期のばガー한국éßﬁ١٢\U0001f600\u2028"
    )
)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Don't pay 1,000.50 for A-1234!", ["don't", "pay", "1,000.50", "for", "a", "1234"]),
        ("don’t", ["don't"]),
        ("'quoted' «text»", ["quoted", "text"]),
        ("ＡＢＣ Straße ﬁne ①", ["abc", "strasse", "fine", "1"]),
        ("Привет, МИР", ["привет", "мир"]),
        ("नमस्ते दुनिया। क्षत्रिय", ["नमस्ते", "दुनिया", "क्षत्रिय"]),
        ("வணக்கம் உலகம்", ["வணக்கம்", "உலகம்"]),
        ("مَرحبًا، بالعالم", ["مَرحبًا", "بالعالم"]),
        ('צה"ל שלום', ['צה"ל', "שלום"]),
        ("한국어 문장", ["한국어", "문장"]),
        ("保修期为两年。", ["保", "修", "期", "为", "两", "年"]),
        ("ABC社のサーバー", ["abc", "社", "の", "サ", "ー", "バ", "ー"]),
        ("ｻｰﾊﾞｰ", ["サ", "ー", "バ", "ー"]),
        ("สวัสดี", ["ส", "วั", "ส", "ดี"]),
        ("ភាសាខ្មែរ", ["ភា", "សា", "ខ្", "មែ", "រ"]),
        ("မြန်မာ", ["မြ", "န်", "မာ"]),
        ("", []),
        (" … ", []),
    ],
)
def test_words_end_where_unicode_says(text: str, words: list[str]) -> None:
    assert words_of(text) == words


@given(MIXED | st.text())
def test_the_way_a_text_was_typed_makes_no_difference(text: str) -> None:
    for form in ("NFC", "NFD"):
        assert words_of(unicodedata.normalize(form, text)) == words_of(text)
    assert words_of(text.replace("'", "’")) == words_of(text)


@given(MIXED | st.text())
def test_tokens_are_the_words_and_what_is_between_them(text: str) -> None:
    tokens = tokens_of(text)

    assert [token for token in tokens if token in set(words_of(text))] == words_of(text)
    assert not any(" " in token or "\n" in token for token in tokens)


@given(st.text(string.ascii_letters[:4] + "01 _'.:;,\"-@\n"))
def test_ascii_has_the_words_that_it_has_beside_another_script(text: str) -> None:
    assert words_of(text) == words_of(f"{text} é")[:-1]


@pytest.mark.parametrize(
    ("query", "document"),
    [
        ("保修期", "保修期为两年。电池不在保修范围内。"),
        ("保証期間", "保証期間は二年間です。"),
        ("センター", "サポートセンターに電話する"),
        ("ประกัน", "สินค้ามีประกันสองปี"),
        ("茶", "喝茶"),
    ],
)
def test_a_text_without_spaces_is_found_by_its_words(query: str, document: str) -> None:
    assert set(terms_of(query)) <= set(terms_of(document))


def test_pairs_are_of_neighbours_alone() -> None:
    assert set(terms_of("保修。期间 an 茶")) == {"保", "修", "期", "间", "an", "茶", "保修", "期间"}


def test_words_of_ascii_load_no_library() -> None:
    code = "import sys, tetrad.segmentation as w; w.words_of('a b'); w.terms_of('a'); print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, check=True, text=True
    ).stdout.split()

    assert "regex" not in loaded
