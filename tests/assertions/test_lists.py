"""Lists that stand in one text, as promptfoo reads them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tetrad.assertions.values import comma_separated


@pytest.mark.parametrize(
    ("text", "items"),
    [
        ("a, b", ("a", "b")),
        ("a b ,c d", ("a b", "c d")),
        ('"a, b", c', ("a, b", "c")),
        ('"say ""hello""", x', ('say "hello"', "x")),
        (r'"say \"hello\"", "now"', ('say "hello"', "now")),
        (r'"a\\", b', ("a\\", "b")),
        (r"a\b, c", (r"a\b", "c")),
        ("a,\n  b", ("a", "b")),
        ('a "quoted" word, b', ('a "quoted" word', "b")),
        (", a,, b,", ("a", "b")),
        ('"", a', ("a",)),
        ("", ()),
    ],
)
def test_a_text_stands_for_a_list(text: str, items: tuple[str, ...]) -> None:
    assert comma_separated(text) == items


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('a, "b', "a quote is not closed"),
        (r'"b\"', "a quote is not closed"),
        ('"a" b, c', 'a comma is missing after "a"'),
    ],
)
def test_a_list_that_cannot_be_read_says_why(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        comma_separated(text)


@given(st.lists(st.text().filter(str.strip)))
def test_quoted_items_are_read_as_they_were(items: list[str]) -> None:
    written = ", ".join('"' + i.replace("\\", "\\\\").replace('"', '""') + '"' for i in items)

    assert comma_separated(written) == tuple(items)
