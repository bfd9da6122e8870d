"""CSV rows with their lines; cells may be as long as the file."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO

_MOST_CHARS = 2**31 - 1  # the largest limit that fits a C long on every platform


class NotCsv(ValueError):
    """A row that cannot be read, by the line on which reading stopped."""

    def __init__(self, line: int, said: str) -> None:
        super().__init__(said)
        self.line = line


def csv_rows(text: str) -> Iterator[tuple[int, list[str]]]:
    """Each row with the line on which it begins; NotCsv at one that cannot be read.

    Only LF and CR end a line: U+2028, form feeds and the like belong to their cells.
    """
    reader = csv.reader(StringIO(text, newline=""), strict=True)
    while True:
        line = reader.line_num + 1
        try:
            with _long_cells():
                row = next(reader, None)
        except csv.Error as error:
            raise NotCsv(reader.line_num, str(error)) from None
        if row is None:
            return
        yield line, row


@contextmanager
def _long_cells() -> Iterator[None]:
    """The module's limit, 131,072 characters a cell, is the whole process's: other code keeps it."""
    before = csv.field_size_limit(_MOST_CHARS)
    try:
        yield
    finally:
        csv.field_size_limit(before)
