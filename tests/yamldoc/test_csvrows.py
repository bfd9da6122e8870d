"""Rows of CSV: lines end where people see them end, and cells are as long as they are."""

from __future__ import annotations

import csv

import pytest

from tetrad.yamldoc.csvrows import NotCsv, csv_rows


@pytest.mark.parametrize("character", "\v\f\x1c\x1d\x1e\x85\u2028\u2029")
def test_a_character_that_ends_no_line_belongs_to_its_cell(character: str) -> None:
    rows = list(csv_rows(f"a{character}b,c\nd,e\n"))

    assert rows == [(1, [f"a{character}b", "c"]), (2, ["d", "e"])]


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_a_row_has_the_line_on_which_it_begins(newline: str) -> None:
    text = newline.join(['"a', 'b",c', "", "d,e"])

    assert list(csv_rows(text)) == [(1, [f"a{newline}b", "c"]), (3, []), (4, ["d", "e"])]


def test_a_cell_may_be_long_and_other_code_keeps_its_limit() -> None:
    limit, cell = csv.field_size_limit(), "x" * 200_000

    assert list(csv_rows(f"{cell},a\n")) == [(1, [cell, "a"])]
    assert csv.field_size_limit() == limit


def test_what_is_not_csv_is_told_with_its_line() -> None:
    with pytest.raises(NotCsv) as caught:
        list(csv_rows('a,b\nc,d\n"e"f,g\n'))

    assert caught.value.line == 3
