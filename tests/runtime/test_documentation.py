from __future__ import annotations

import re
from pathlib import Path

from tetrad.runtime.guards import TOO_LONG, WITHHELD
from tetrad.templates.filters import FILTERS, MAX_CHARS
from tetrad.templates.render import MAX_ROUNDS

PAGE = Path(__file__).parents[2] / "docs" / "how-answers-come-about.md"


def test_the_page_names_every_filter_and_limit() -> None:
    page = PAGE.read_text(encoding="utf-8")
    (line,) = re.findall(r"^`capitalize`.*$", page, re.MULTILINE)

    assert re.findall(r"`(\w+)`", line) == sorted(FILTERS)
    assert f"{MAX_CHARS:,} characters" in page
    assert f"{MAX_ROUNDS:,} rounds" in page
    assert TOO_LONG in page
    assert WITHHELD in page
