"""Two answers in few words: the part that differs is always seen."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tetrad.report.glimpse import glimpse
from tetrad.results.gate_report import CaseReport
from tetrad.results.outcome import CaseOutcome, Sample

SHOES = {"category": "shoes", "brand": "Läufer", "sizes": [41, 42], "care": {"wash": 30}}
ALIKE = "The parcel left the depot on Monday and will arrive on "


def seen(before: str | None, after: str, room: int = 26) -> str:
    def outcome(text: str) -> CaseOutcome:
        return CaseOutcome(id="c", samples=(Sample(output=text, metrics={}),))

    base = None if before is None else outcome(before)
    return str(
        glimpse(CaseReport(id="c", flip="none", candidate=outcome(after), base=base), room=room)
    )


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ("billing", "returns", "billing → returns"),
        ("billing", "billing", "billing"),
        (None, "billing", "billing"),
        (None, "", "(nothing)"),
        ("billing", "", "billing → (nothing)"),
        (ALIKE + "Tuesday.", ALIKE + "Friday.", "…on Tuesday. → …on Friday."),
        ("yes\n", "yes", '"yes\\n" → "yes"'),
        ("caf\u00e9", "cafe\u0301", '"caf\\u00e9" → "cafe\\u0301"'),
        ("10\u202f%", "10 %", '"10\\u202f%" → "10 %"'),
    ],
)
def test_texts_are_shown_where_they_differ(before: str | None, after: str, told: str) -> None:
    assert seen(before, after) == told


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"brand": None}, 'brand: "Läufer" → null'),
        (
            {"category": "other", "brand": None},
            'category: "shoes" → "other"; brand: "Läufer" → null',
        ),
        ({"sizes": [41, 43]}, "sizes[1]: 42 → 43"),
        ({"care": {"wash": 40, "dry": True}}, "care.wash: 30 → 40; care.dry: absent → true"),
        ({"sizes": [41]}, "sizes: [41, 42] → [41]"),
        (
            {"category": "a", "brand": "b", "sizes": [], "care": {}},
            'category: "shoes" → "a"; brand: "Läufer" → "b"; and 2 more changes',
        ),
    ],
)
def test_json_is_compared_value_by_value(change: dict[str, object], told: str) -> None:
    after = json.dumps(SHOES | change, ensure_ascii=False)

    assert seen(json.dumps(SHOES, ensure_ascii=False), after) == told


def test_json_that_is_only_written_otherwise_is_shown_as_text() -> None:
    assert seen('{"a": 1}', '{"a":1}') == '{"a": 1} → {"a":1}'


def test_json_that_became_text_is_shown_as_both() -> None:
    assert seen('{"a": 1}', "Sorry, no.") == '{"a": 1} → Sorry, no.'


def test_json_that_is_nested_too_deep_is_shown_as_text() -> None:
    deep = "[" * 9_000 + "]" * 9_000

    assert " → " in seen(deep, f"[{deep}]")


@given(st.text(max_size=300), st.text(max_size=80), st.text(max_size=80))
def test_what_differs_is_always_seen_on_one_line(start: str, old: str, new: str) -> None:
    before, after = start + old, start + new

    told = seen(before, after, room=40)

    assert "\n" not in told
    if before != after:
        first, arrow, second = told.partition(" → ")
        assert arrow
        assert first != second or " → " in start
