"""YAML 1.2 with places, under limits."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tetrad.errors import Location, SpecError
from tetrad.yamldoc.parse import COMPONENT, Limits, json_path, parse

TEXT = b"""\
# a comment
kind: prompt   # another
messages:
  - {role: user, content: Hello}
  - role: system
    content: |  # a template
      First line
        and a deeper one
      {{ third }}
last: "quoted \\u00e9"
"""


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("no", "no"),
        ("NO", "NO"),
        ("on", "on"),
        ("y", "y"),
        ("12:30", "12:30"),
        ("1:30:00", "1:30:00"),
        ("2026-01-31", "2026-01-31"),
        ("0x1F", 31),
        ("0o17", 15),
        ("014", 14),
        ("0b101", "0b101"),
        ("1_000", "1_000"),
        ("+12", 12),
        ("-3", -3),
        ("9007199254740991", 2**53 - 1),
        ("-9007199254740991", 1 - 2**53),
        ("1.10", 1.1),
        ("1.", 1.0),
        (".5", 0.5),
        ("1e3", 1000.0),
        ("1e", "1e"),
        ("-", "-"),
        (".", "."),
        ("null", None),
        ("~", None),
        ("", None),
        ("Null", None),
        ("nULL", "nULL"),
        ("NULL", None),
        ("true", True),
        ("True", True),
        ("TRUE", True),
        ("false", False),
        ("False", False),
        ("FALSE", False),
        ("tRue", "tRue"),
        ("'12'", "12"),
        ('"true"', "true"),
        ("<<", "<<"),
        ("=", "="),
        ("sha256:ab", "sha256:ab"),
    ],
)
def test_a_scalar_means_what_yaml_1_2_says(written: str, value: object) -> None:
    parsed = parse(f"a: [{written}]\n".encode() if written else b"a: [~]\n", "f").value["a"][0]

    assert (type(value), value) == (type(parsed), parsed)


@pytest.mark.parametrize("key", ["on", "1", "null", "true", "1.5"])
def test_a_key_is_the_text_that_is_written(key: str) -> None:
    assert {key: 1} == parse(f"{key}: 1\n".encode(), "f").value


def test_every_value_and_key_has_its_place() -> None:
    document = parse(TEXT, "prompts/a.yaml")

    assert Location("prompts/a.yaml", 2, 7) == document.at(("kind",))
    assert Location("prompts/a.yaml", 2, 1) == document.key_at(("kind",))
    assert Location("prompts/a.yaml", 4, 3 + 2) == document.at(("messages", 0))
    assert Location("prompts/a.yaml", 4, 18) == document.key_at(("messages", 0, "content"))
    assert Location("prompts/a.yaml", 10, 7) == document.at(("last",))


def test_a_value_that_is_not_there_is_placed_at_what_holds_it() -> None:
    document = parse(TEXT, "f")

    assert document.at(("messages", 0)) == document.at(("messages", 0, "weight"))


def test_a_span_holds_exactly_the_value() -> None:
    document = parse(TEXT, "f")
    spans = {path: document.span(path) for path in [("kind",), ("messages", 0), ("last",)]}

    written = {path: document.text[span.start : span.end] for path, span in spans.items()}

    assert written == {
        ("kind",): "prompt",
        ("messages", 0): "{role: user, content: Hello}",
        ("last",): '"quoted \\u00e9"',
    }


@pytest.mark.parametrize(
    ("part", "line", "column"), [("First", 7, 7), ("deeper", 8, 15), ("third", 9, 10)]
)
def test_a_place_within_a_block_text_is_found(part: str, line: int, column: int) -> None:
    document = parse(TEXT, "f")
    path = ("messages", 1, "content")
    offset = document.node(path).value.index(part)

    assert Location("f", line, column) == document.within(path, offset)


def test_a_place_within_a_text_on_one_line_is_found() -> None:
    document = parse(b"a: 'one {{ two }}'\nb: plain {{ x }}\n", "f")

    assert Location("f", 1, 9) == document.within(("a",), 4)
    assert Location("f", 2, 10) == document.within(("b",), 6)


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [
        ('a: "one\\n\\ttwo {{ x }}"', 1, 16),
        ('a: "\\u00e9 \\"q\\" {{ x }}"', 1, 18),
        ('a: "one\\n\n  two {{ x }}"', 2, 7),
        ('a: "one \\\n  two {{ x }}"', 2, 7),
        ("a: 'it''s {{ x }}'", 1, 11),
        ("a: 'it''s\n\n  two {{ x }}'", 3, 7),
        ("a: one\n  two {{ x }}", 2, 7),
        ("a: >-  # folded\n  one\n\n  two\n  {{ x }}\n# end\n", 5, 3),
        ("a: |2\n    one {{ x }}\n", 2, 9),
    ],
)
def test_a_place_within_a_text_is_found_however_it_is_written(
    text: str, line: int, column: int
) -> None:
    document = parse(text.encode(), "f")
    offset = document.node(("a",)).value.index("{{ x")

    assert Location("f", line, column) == document.within(("a",), offset)


@given(
    lines=st.lists(st.text("ab {}#:é", max_size=6), min_size=1, max_size=6),
    indent=st.integers(1, 4),
    newline=st.sampled_from(["\n", "\r\n"]),
    after=st.sampled_from(["", "b: 1\n", "# end\n", "\n\nb: 1\n", "   # end\nb: 1\n"]),
    chomping=st.sampled_from(["", "-", "+"]),
)
def test_every_character_of_a_block_text_is_found_where_it_is_written(
    lines: list[str], indent: int, newline: str, after: str, chomping: str
) -> None:
    blank = " " * indent
    block = newline.join(f"{blank}{line}" if line.strip() else "" for line in ["x", *lines])
    text = f"a: |{indent}{chomping}{newline}{block}{newline}{after}"
    document = parse(text.encode(), "f")
    value = document.value["a"]
    written = text.replace("\r\n", "\n").split("\n")

    for offset, character in enumerate(value):
        place = document.within(("a",), offset)
        before = value[:offset].rstrip()
        if not character.isspace():
            assert written[place.line - 1][place.column - 1] == character
        elif before and "\n" in value[len(before) : offset]:
            at = document.within(("a",), len(before) - 1)
            assert place == Location("f", at.line, at.column + 1)


@pytest.mark.parametrize("newline", ["\r\n", "\n"])
def test_lines_are_counted_as_editors_count_them(newline: str) -> None:
    text = newline.join(["a: 1", "b: x\u00a0\ufeffy", "c: 3", ""])

    assert Location("f", 3, 4) == parse(text.encode(), "f").at(("c",))


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [
        ("a: 1  # seen<break>b: 2\nc: 3\n", 1, 13),
        ("a: |\n  one<break>  two\n", 2, 6),
        ("# x\r\na: 'one<break>two'\n", 2, 8),
        ('{"a": "one<break>two"}', 1, 11),
    ],
)
@pytest.mark.parametrize("character", ["\r", "\x85", "\u2028", "\u2029"])
def test_a_line_break_that_is_not_seen_is_refused(
    text: str, line: int, column: int, character: str
) -> None:
    """Libyaml ends a line there, so a comment could hold a key; people and YAML 1.2 see none."""
    with pytest.raises(SpecError) as caught:
        parse(text.replace("<break>", character).encode(), "f")

    (issue,) = caught.value.issues
    assert (issue.code, issue.location) == ("SCH101", Location("f", line, column))
    assert f"U+{ord(character):04X}" in issue.message
    assert f'"\\u{ord(character):04x}"' in issue.hint


@pytest.mark.parametrize("written", ["\\u0085", "\\u2028", "\\u2029", "\\N", "\\L", "\\P"])
def test_such_a_line_break_can_be_written_as_an_escape(written: str) -> None:
    value = parse(f'a: "one{written}two"\n'.encode(), "f").value["a"]

    assert (value[:3], len(value), value[4:]) == ("one", 7, "two")


def test_a_byte_order_mark_is_read_over_and_kept() -> None:
    data = b"\xef\xbb\xbfa: 1\n"

    document = parse(data, "f")

    assert ({"a": 1}, data) == (document.value, document.encoded())
    assert Location("f", 1, 4) == document.at(("a",))


def test_anchors_and_merge_keys_are_expanded_where_they_are_allowed() -> None:
    data = b"a: &x {k: 1, l: 2}\nb: {<<: *x, l: 3}\nc: [*x, *x]\nd: {<<: [{l: 4, m: 5}, *x]}\n"

    value = parse(data, "f", anchors=True).value

    assert value["b"] == {"k": 1, "l": 3}
    assert value["c"] == [{"k": 1, "l": 2}] * 2
    assert value["d"] == {"l": 4, "m": 5, "k": 1}


def test_a_billion_laughs_are_refused() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]

    with pytest.raises(SpecError, match="values"):
        parse("\n".join(lines).encode(), "f", anchors=True)


def test_an_alias_of_what_holds_it_is_refused() -> None:
    with pytest.raises(SpecError, match="no anchor before it"):
        parse(b"a: &a [*a]\n", "f", anchors=True)


def test_a_file_over_the_limit_is_refused_unread() -> None:
    with pytest.raises(SpecError, match=r"has 1,000,001 bytes; at most 1,000,000 are read"):
        parse(b"x" * 1_000_001, "f")


def test_too_many_values_are_refused() -> None:
    with pytest.raises(SpecError, match="over 10 values"):
        parse(b"[1,2,3,4,5,6,7,8,9,10,11]", "f", limits=Limits(max_bytes=100, max_nodes=10))


@pytest.mark.parametrize("opening", ["[", "{a: ", "- ", "? ", "a:\n "])
def test_deep_nesting_ends_in_one_message_and_never_the_process(opening: str) -> None:
    with pytest.raises(SpecError) as caught:
        parse((opening * 60_000).encode()[: COMPONENT.max_bytes], "f")

    assert len(caught.value.issues) == 1


def test_a_path_is_written_as_json_paths_are() -> None:
    assert json_path(("messages", 0, "content")) == "$.messages[0].content"
    assert json_path(("files", "a b.gguf")) == "$.files['a b.gguf']"


@pytest.mark.parametrize("source", ["3", "[1, 2]", "text"])
def test_only_mappings_are_merged(source: str) -> None:
    with pytest.raises(SpecError, match="<< takes a mapping"):
        parse(f"a: {{<<: {source}}}\n".encode(), "f", anchors=True)


def test_depth_is_counted_through_aliases() -> None:
    lines = ["a0: &a0 [[[[x]]]]"]
    lines += [f"a{n}: &a{n} [[[[*a{n - 1}]]]]" for n in range(1, 12)]

    with pytest.raises(SpecError, match="nested deeper than 32 levels"):
        parse("\n".join(lines).encode(), "f", anchors=True)


def test_a_key_can_have_an_anchor_where_anchors_are_allowed() -> None:
    assert parse(b"&k a: 1\nb: *k\n", "f", anchors=True).value == {"a": 1, "b": "a"}
