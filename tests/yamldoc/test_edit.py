"""Edits keep every comment and all other values."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tetrad.canonical import Json
from tetrad.yamldoc.edit import append, remove, replace, set_value
from tetrad.yamldoc.parse import GOLDEN_SET, Document, Span, parse

VALID = Path(__file__).parent.parent / "loading" / "valid"
MODEL = b"""\
# our model
kind: model   # what it is
source: hf://acme/small  # moving
files:   # pins
  # the weights
  model.gguf: "sha256:1"   # one
  'tokenizer.json': 'sha256:2'
engine: {torch: {dtype: float32}}  # cpu
card:
text: |
  one

  two

# the end
"""


def edited(data: bytes, *path: str | int, to: Json) -> str:
    return set_value(parse(data, "f"), path, to).text


def comments(text: str) -> list[str]:
    return re.findall(r"(?m)(?:^|\s)(#.*)$", text)


def test_a_value_is_replaced_where_it_stands() -> None:
    text = edited(MODEL, "source", to="hf://acme/small@main")

    assert MODEL.decode().replace("hf://acme/small", "hf://acme/small@main") == text


def test_quotes_stay_what_they_were() -> None:
    assert edited(b"a: 'x'\n", "a", to="it's") == "a: 'it''s'\n"
    assert edited(b'a: "x"\n', "a", to="y") == 'a: "y"\n'
    assert edited(b"a: x\n", "a", to="z") == "a: z\n"


@pytest.mark.parametrize(
    ("text", "path", "value", "expected"),
    [
        ("a: {}\nb: 1\n", ("a", "c"), 1, "a: {c: 1}\nb: 1\n"),
        ("a:\nb: 1\n", ("a", "c"), 1, "a:\n  c: 1\nb: 1\n"),
        ("x:\n  a:\n  b: 2\n", ("x", "a", "c"), 1, "x:\n  a:\n    c: 1\n  b: 2\n"),
        (
            "x:\n  a: 1\n  b: 2\n",
            ("x", "a"),
            {"c": {"d": 1}},
            "x:\n  a:\n    c:\n      d: 1\n  b: 2\n",
        ),
        ("x:\n  - a: 1\n    b: 2\n", ("x", 0, "a"), {"c": 1}, "x:\n  - a:\n      c: 1\n    b: 2\n"),
    ],
)
def test_a_mapping_is_written_where_nothing_or_a_scalar_stood(
    text: str, path: tuple[str | int, ...], value: Json, expected: str
) -> None:
    assert edited(text.encode(), *path, to=value) == expected


@pytest.mark.parametrize("text", ["no", "12", "a: b", "# x", "", " a", "1:30", "null", "ä\n", "-"])
def test_a_text_is_quoted_where_a_reader_might_take_it_for_something_else(text: str) -> None:
    assert '"' in edited(b"a: x\n", "a", to=text)


def test_pins_are_written_into_a_block_mapping_among_comments() -> None:
    pins = {"model.gguf": "sha256:3", "config.json": "sha256:4"}

    text = edited(MODEL, "files", to=pins)

    assert (
        "files:   # pins\n"
        "  # the weights\n"
        '  model.gguf: "sha256:3"   # one\n'
        "  config.json: sha256:4\n"
        "engine:"
    ) in text
    assert comments(MODEL.decode()) == comments(text)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("a: 1\n", "a: 1\nfiles:\n  m: sha256:1\n"),
        ("a: 1", "a: 1\nfiles:\n  m: sha256:1\n"),
        ("a: 1\nfiles:\n", "a: 1\nfiles:\n  m: sha256:1\n"),
        ("files:\na: 1\n", "files:\n  m: sha256:1\na: 1\n"),
        ("files: {}\n", 'files: {m: "sha256:1"}\n'),
        ("files: {m: 'sha256:0'}  # pins\n", "files: {m: 'sha256:1'}  # pins\n"),
        ("files: {n: x}\n", 'files: {m: "sha256:1"}\n'),
        ("files:\n  n: x\n", "files:\n  m: sha256:1\n"),
        ("{a: 1}\n", '{a: 1, files: {m: "sha256:1"}}\n'),
        ("a: |\n  x\n", "a: |\n  x\nfiles:\n  m: sha256:1\n"),
        ("a: 1\r\n", "a: 1\r\nfiles:\r\n  m: sha256:1\r\n"),
    ],
)
def test_pins_are_written_wherever_they_belong(before: str, after: str) -> None:
    assert after == edited(before.encode(), "files", to={"m": "sha256:1"})


def test_missing_mappings_on_the_way_are_made() -> None:
    assert edited(b"a: 1\n", "b", "c", "d", to=2) == "a: 1\nb:\n  c:\n    d: 2\n"


@pytest.mark.parametrize(
    ("before", "path", "after"),
    [
        ("a: 1\n# about b\nb: 2  # two\nc: 3\n", ("b",), "a: 1\n# about b\nc: 3\n"),
        ("a: {x: 1, y: 2, z: 3}\n", ("a", "x"), "a: {y: 2, z: 3}\n"),
        ("a: {x: 1, y: 2, z: 3}\n", ("a", "z"), "a: {x: 1, y: 2}\n"),
        ("a: {x: 1}\n", ("a", "x"), "a: {}\n"),
        ("a:\n  x: 1\nb: 2\n", ("a", "x"), "a:\n  {}\nb: 2\n"),
        ("a:\n  x:\n    y: 1\n    z: 2\n  w: 3\n", ("a", "x"), "a:\n  w: 3\n"),
        ("a: |\n  one\n  two\nb: 2\n", ("a",), "b: 2\n"),
    ],
)
def test_a_key_is_removed_with_its_value(before: str, path: tuple[str, ...], after: str) -> None:
    assert after == remove(parse(before.encode(), "f"), path).text


def test_an_edit_that_would_break_the_file_is_refused() -> None:
    with pytest.raises(ValueError, match="cannot be edited"):
        replace(parse(b"a: 1\n", "f"), Span(0, 2), "[")


@pytest.mark.parametrize("path", [("b",), ("a", "b"), (0,), ("a", 0), ("b", "a")])
def test_a_key_that_is_not_there_is_not_removed(path: tuple[str | int, ...]) -> None:
    document = parse(b"a: [1]\n", "f")

    with pytest.raises(ValueError, match="no key"):
        remove(document, path)


def test_a_key_cannot_be_added_to_a_list() -> None:
    with pytest.raises(ValueError, match="no mapping"):
        set_value(parse(b"a: [1]\n", "f"), ("a", "b"), 1)


def test_the_same_value_again_changes_nothing() -> None:
    document = parse(b"a:   1   # one\n", "f")

    assert document.text == set_value(document, ("a",), 1).text


def test_a_byte_order_mark_stays() -> None:
    document = set_value(parse(b"\xef\xbb\xbfa: 1\n", "f"), ("a",), 2)

    assert document.encoded() == b"\xef\xbb\xbfa: 2\n"


DOCUMENTS = [
    parse(path.read_bytes(), path.name, limits=GOLDEN_SET)
    for path in sorted((VALID / "formats").rglob("*.yaml"))
]


def paths_of(value: object, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    if isinstance(value, dict):
        return [path, *(p for k, v in value.items() for p in paths_of(v, (*path, k)))]
    if isinstance(value, list):
        return [path, *(p for n, v in enumerate(value) for p in paths_of(v, (*path, n)))]
    return [path]


def with_value(value: object, path: tuple[str | int, ...], new: Json) -> object:
    if not path:
        return new
    if isinstance(value, list):
        return [with_value(v, path[1:], new) if n == path[0] else v for n, v in enumerate(value)]
    assert isinstance(value, dict)
    known = {k: with_value(v, path[1:], new) if k == path[0] else v for k, v in value.items()}
    return known if path[0] in value else {**known, path[0]: new}


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
SCALARS = st.one_of(TEXTS, st.booleans(), st.none(), st.integers(-(2**53) + 1, 2**53 - 1))


@given(data=st.data(), document=st.sampled_from(DOCUMENTS), value=SCALARS)
def test_any_scalar_can_be_replaced_and_all_else_stays(
    data: st.DataObject, document: Document, value: Json
) -> None:
    scalars = [p for p in paths_of(document.value) if p and not document.node(p).children]
    path = data.draw(st.sampled_from(scalars))

    after = set_value(document, path, value)

    assert with_value(document.value, path, value) == after.value
    if document.node(path).style not in {"|", ">"}:  # a comment within a text is text
        assert comments_outside(document, path) == comments_outside(after, path)


def comments_outside(document: Document, path: tuple[str | int, ...]) -> list[str]:
    span = document.span(path)
    return comments(document.text[: span.start]) + comments(document.text[span.end :])


@given(
    document=st.sampled_from([d for d in DOCUMENTS if isinstance(d.value, dict)]),
    pins=st.dictionaries(TEXTS.filter(lambda t: t != "<<"), TEXTS, min_size=1, max_size=4),
)
def test_any_mapping_can_be_added_and_all_else_stays(
    document: Document, pins: dict[str, str]
) -> None:
    after = set_value(document, ("pins",), pins)

    assert {**document.value, "pins": pins} == after.value
    assert after.text.startswith(document.text)


CASE: dict[str, Json] = {"id": "new", "vars": {"q": "a: b # c"}, "tags": ["feedback"]}
APPENDED = """\
- id: new
  vars:
    q: "a: b # c"
  tags: [feedback]
"""


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("- id: one  # first\n  vars: {}\n", f"- id: one  # first\n  vars: {{}}\n{APPENDED}"),
        ("- {id: one}", f"- {{id: one}}\n{APPENDED}"),
        ("# cases\n-\n  id: one\n# the end\n", f"# cases\n-\n  id: one\n{APPENDED}# the end\n"),
        ("- text: |\n    one\n", f"- text: |\n    one\n{APPENDED}"),
        ("# none yet\n[]\n", f"# none yet\n{APPENDED}"),
        (
            "  - id: one\n  - id: two\n",
            "  - id: one\n  - id: two\n" + "".join(f"  {line}\n" for line in APPENDED.splitlines()),
        ),
        ("- id: one\r\n", "- id: one\r\n" + APPENDED.replace("\n", "\r\n")),
    ],
)
def test_items_are_appended_and_all_else_stays(before: str, after: str) -> None:
    assert append(parse(before.encode(), "f"), [CASE]).text == after


def test_several_items_are_appended_in_order() -> None:
    edited = append(parse(b"- id: one\n", "f"), [{"id": "two"}, {"id": "three"}])

    assert edited.value == [{"id": "one"}, {"id": "two"}, {"id": "three"}]


@pytest.mark.parametrize("text", ["kind: suite\n", "[{id: one}]\n", "one\n"])
def test_what_is_no_block_of_items_is_left_alone(text: str) -> None:
    with pytest.raises(ValueError, match="do it by hand"):
        append(parse(text.encode(), "f"), [CASE])
