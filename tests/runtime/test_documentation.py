from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

from tetrad.model import Guardrails
from tetrad.runtime.fixed_answers import FIXED_ANSWERS, TOO_LONG, WITHHELD
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


def test_the_page_of_guardrails_names_every_key_and_fixed_answer() -> None:
    page = (PAGE.parent / "guardrails.md").read_text(encoding="utf-8")

    assert [answer for answer in sorted(FIXED_ANSWERS) if answer not in page] == []
    keys = [field.name for field in fields(Guardrails)]
    assert [key for key in keys if key not in page] == []
