"""Hostile text becomes inert, and is cut where a person would cut it."""

from __future__ import annotations

import json
import subprocess
import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tetrad.text import (
    capped,
    for_log,
    inert,
    json_escaped,
    lines_of,
    milliseconds,
    one_line,
    shorten,
    usd,
)

ANY_TEXT = st.text(
    st.characters(categories=None) | st.sampled_from("\x1b\x9b[];m\x07\\\n\t\u202e\u200d\ud800👩a")
)
JOINERS = {"\u200c", "\u200d", "\ufe0e", "\ufe0f"}


@given(ANY_TEXT)
def test_inert_text_has_nothing_invisible(text: str) -> None:
    shown = inert(text)

    hidden = {c for c in shown if unicodedata.category(c) in {"Cc", "Cs", "Co", "Zl", "Zp"}}
    assert hidden <= {"\n", "\t"}
    formats = {c for c in shown if unicodedata.category(c) == "Cf"}
    assert {c for c in formats if unicodedata.bidirectional(c) in BIDI} == set()
    assert formats - JOINERS <= VISIBLE_FORMATS


BIDI = {"LRE", "RLE", "PDF", "LRO", "RLO", "LRI", "RLI", "FSI", "PDI"}
# Arabic, Kaithi and Syriac signs that are of category Cf and drawn all the same.
VISIBLE_FORMATS = set(
    "\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u0890\u0891\u08e2\U000110bd\U000110cd"
)


@given(ANY_TEXT)
def test_inert_text_stays_as_it_is(text: str) -> None:
    once = inert(text)

    assert once == inert(once)


@given(ANY_TEXT)
def test_inert_text_can_be_written_as_utf_8(text: str) -> None:
    shown = inert(text)

    assert shown == shown.encode().decode()


@given(st.text(st.characters(categories=["L", "N", "P"]) | st.sampled_from(" \n\t")))
def test_ordinary_text_is_left_alone(text: str) -> None:
    kept = "".join(c for c in text if c not in "\u115f\u1160\u3164\uffa0")

    assert kept == inert(kept)


@pytest.mark.parametrize(
    ("hostile", "shown"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x9b31mred", "red"),
        ("\x1b]8;;https://evil.example\x1b\\click\x1b]8;;\x07", "click"),
        ("\x1b]0;title", "<U+001B>]0;title"),
        ("\x1b]0;never ends\nnext line\x07", "<U+001B>]0;never ends\nnext line<U+0007>"),
        ("a\x1b\x1b[0m[31mb", "a<U+001B>[31mb"),
        ("cup\x1bc", "cup"),
        ("a\x00b\x7fc\x85d", "a<U+0000>b<U+007F>c<U+0085>d"),
        ("user\u202etxt.exe", "user<U+202E>txt.exe"),
        ("zero\u200bwidth\ufeff", "zero<U+200B>width<U+FEFF>"),
        ("tag\U000e0041", "tag<U+E0041>"),
        ("smuggled\U000e0101", "smuggled<U+E0101>"),
        ("lone \ud800 surrogate", "lone <U+D800> surrogate"),
        ("one\r\ntwo\rthree", "one\ntwo<U+000D>three"),
        ("line\u2028separator", "line<U+2028>separator"),
        ("a\u200db", "a<U+200D>b"),
        ("tab\tand\nnewline", "tab\tand\nnewline"),
    ],
)
def test_what_a_terminal_would_obey_is_stripped_or_named(hostile: str, shown: str) -> None:
    assert shown == inert(hostile)


@pytest.mark.parametrize("text", ["❤️", "👩‍👩‍👧", "क्‍ष", "می‌خواهم", "1️⃣", "naïve café", "日本語"])
def test_what_people_write_with_joiners_is_kept(text: str) -> None:
    assert text == inert(text)


def test_one_line_shows_where_lines_ended() -> None:
    assert one_line("  first\nsecond\t third \n") == "first ⏎ second third"


@given(ANY_TEXT, st.integers(1, 40))
def test_shortened_text_is_one_line_within_its_width(text: str, width: int) -> None:
    short = shorten(text, width)

    assert len(short) <= width
    assert "\n" not in short


@pytest.mark.parametrize(
    ("text", "width", "short"),
    [
        ("delivery", 8, "delivery"),
        ("delivery", 5, "deli…"),
        ("two words", 5, "two…"),
        ("cafe\u0301s", 5, "caf…"),
        ("ab👩‍👧cd", 5, "ab…"),
    ],
)
def test_shortening_never_parts_a_character(text: str, width: int, short: str) -> None:
    assert short == shorten(text, width)


def test_of_megabytes_no_more_is_looked_at_than_is_shown() -> None:
    megabytes = "\x9d" * 2_000_000

    assert all(len(shorten(megabytes, 80)) <= 80 for _ in range(100))
    assert shorten("\x1b[1m" * 100_000 + "a", 10) == "…"


def test_capped_text_says_how_much_is_left_out() -> None:
    assert capped("a" * 1_000_000, 10) == "aaaaaaaaaa…\n[999,990 more characters]"
    assert capped("short", 10) == "short"


@given(ANY_TEXT, st.integers(1, 50))
def test_capped_text_is_not_much_longer_than_its_limit(text: str, limit: int) -> None:
    assert len(capped(text, limit)) <= limit + 40


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("::set-output name=x::y", "\\::set-output name=x::y"),
        ("ok\n  ::error::no", "ok\n  \\::error::no"),
        ("a ##[group]b", "a #\\#[group]b"),
        ("std::vector", "std::vector"),
    ],
)
def test_no_line_of_a_log_is_a_workflow_command(line: str, shown: str) -> None:
    assert shown == for_log(line)


@given(ANY_TEXT)
def test_escaped_json_is_inert_and_means_the_same(text: str) -> None:
    document = json.dumps({"text": text, "kept": "👩‍👧 ##[error]"}, ensure_ascii=False)

    escaped = json_escaped(document)

    assert inert(escaped) == escaped
    assert "##[" not in escaped
    assert json.loads(escaped) == json.loads(document)


@pytest.mark.parametrize(
    ("amount", "written"),
    [
        (0.0, "$0"),
        (0.00000123456, "$0.000001235"),
        (0.5, "$0.5"),
        (99.99, "$99.99"),
        (100.0, "$100.00"),
        (1234.5, "$1,234.50"),
    ],
)
def test_money_has_the_decimals_that_tell_small_prices_apart(amount: float, written: str) -> None:
    assert written == usd(amount)


@pytest.mark.parametrize(
    ("duration", "written"), [(3.416, "3.42 ms"), (10.4, "10 ms"), (1234.0, "1,234 ms")]
)
def test_short_durations_have_decimals(duration: float, written: str) -> None:
    assert written == milliseconds(duration)


@pytest.mark.parametrize("begun", ["\x1b]", "\x1bP", "\x90", "\x9d", "\x9da", "\x9b0 "])
def test_a_megabyte_of_unfinished_escapes_is_read_in_a_moment(begun: str) -> None:
    assert inert(begun * 500_000)


@pytest.mark.parametrize("ends", [True, False])
def test_a_line_ends_with_line_feed_or_carriage_return_alone(ends: bool) -> None:
    text = "a\r\nb\rc\u2028d\ve\x85f\n\ng"

    lines = lines_of(text, ends=ends)

    assert lines == (
        ["a\r\n", "b\r", "c\u2028d\ve\x85f\n", "\n", "g"]
        if ends
        else ["a", "b", "c\u2028d\ve\x85f", "", "g"]
    )
    assert "".join(lines) == text or not ends


def test_importing_text_stays_cheap() -> None:
    loaded = subprocess.run(
        [sys.executable, "-c", "import sys, tetrad.text; print(*sys.modules)"],
        capture_output=True,
        check=True,
        text=True,
    ).stdout.split()

    assert {"rich", "jinja2", "numpy", "scipy"}.isdisjoint(loaded)
