"""JSON files: nothing but JSON, with places."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tetrad.errors import Location, SpecError
from tetrad.yamldoc.jsonfile import parse_json
from tetrad.yamldoc.parse import Limits

values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(1 - 2**53, 2**53 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(values, st.booleans(), st.sampled_from([None, 2, "\t"]))
def test_what_is_json_is_read_as_the_standard_library_reads_it(
    value: object, ascii_only: bool, indent: int | str | None
) -> None:
    written = json.dumps(value, ensure_ascii=ascii_only, indent=indent)

    assert json.dumps(parse_json(written.encode(), "f").value) == json.dumps(json.loads(written))


@pytest.mark.parametrize("character", ["\x7f", "\x85", "\u2028", "\u2029", "\ufeff", "\U0001f600"])
def test_a_text_keeps_every_character(character: str) -> None:
    text = f'["a{character}b",\n "c"]'

    document = parse_json(text.encode(), "f")

    assert document.value == [f"a{character}b", "c"]
    assert document.at((1,)) == Location("f", 2, 2)


@pytest.mark.parametrize("written", ['"\\ud83d\\ude00"', '"😀"'])
def test_two_escapes_can_be_one_character(written: str) -> None:
    assert parse_json(written.encode(), "f").value == "\U0001f600"


def test_every_value_and_key_has_its_place() -> None:
    document = parse_json(b'\xef\xbb\xbf{\n  "a": [1, {"b\\u00e9": true}],\n  "c": "x"\n}\n', "f")

    assert document.at(("a", 0)) == Location("f", 2, 9)
    assert document.key_at(("a", 1, "bé")) == Location("f", 2, 13)
    assert document.at(("c",)) == Location("f", 3, 8)
    assert document.text[slice(*document.span(("a",)))] == '[1, {"b\\u00e9": true}]'


# Of the kinds that JSONTestSuite collects, https://github.com/nst/JSONTestSuite
NOT_JSON = [
    "", " ", "nul", "tru", "True", "NaN", "-Infinity", "[Infinity]", "+1", "-", "01", "-01", ".5", "1.", "1e", "0x1F",
    "1_000", "1 2", "[1,]", "[,1]", "[1 2]", "[1", "]", "[1]]", "{a: 1}", "{'a': 1}", '{"a" 1}', '{"a":}', '{"a": 1,}',
    '{"a": 1 "b": 2}', "'a'", '"a', '"a\nb"', '"a\tb"', '"\\x41"', '"\\u12"', '"\\a"', "text", "- a", "a: 1", "# c\n1",
    "/* c */ 1", '"a" // c', "*a", "&a 1", "!!str a", "---\n1", "...", "|\n a", "~", "1\u00a0", "\u20281", "\x0c1",
    '"\\ud800"', '"\\udc00\\ud800"', '{"a": 1, "a": 2}', "9007199254740992", "1e999", "9" * 5000, "[" * 100_000,
    "[" * 40 + "]" * 40,
]  # fmt: skip


@pytest.mark.parametrize("text", NOT_JSON, ids=lambda text: repr(text[:20]))
def test_what_is_not_json_is_refused_with_a_place(text: str) -> None:
    with pytest.raises(SpecError) as caught:
        parse_json(text.encode(), "f")

    (issue,) = caught.value.issues
    assert issue.location.line >= 1
    assert issue.hint


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        ('[\n  {"a": 1,}\n]', (2, 11), "expecting property name enclosed in double quotes"),
        ('[1, {"b": 2,\n "b": 3}]', (2, 2), "duplicate key 'b'"),
        ('{"a": [1, NaN]}', (1, 11), "NaN is not JSON"),
        ('{"a": 90071992547409920}', (1, 7), "the integer is beyond"),
    ],
)
def test_the_place_is_that_of_the_mistake(text: str, place: tuple[int, int], message: str) -> None:
    with pytest.raises(SpecError, match=message) as caught:
        parse_json(text.encode(), "f")

    assert caught.value.issues[0].location == Location("f", *place)


def test_limits_hold() -> None:
    with pytest.raises(SpecError, match="over 3 values"):
        parse_json(b"[1, 2, 3]", "f", limits=Limits(max_bytes=100, max_nodes=3))
