"""What a case asks is shown as a golden set would write it."""

from __future__ import annotations

import pytest

from tetrad.canonical import Json
from tetrad.model import Turn
from tetrad.report.asked import asked
from tetrad.results.gate_report import CaseReport
from tetrad.results.outcome import CaseOutcome


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("late", "v: late"),
        ("Hello,\nwhere is it?\n", "v: |\n  Hello,\n  where is it?"),
        (["billing", 2], 'v: ["billing", 2]'),
        ({"größe": None}, 'v: {"größe": null}'),
        (True, "v: true"),
    ],
)
def test_a_variable_is_shown_as_a_golden_set_would_write_it(value: Json, shown: str) -> None:
    outcome = CaseOutcome(id="c", samples=())
    case = CaseReport(id="c", flip="none", vars={"v": value, "w": "x"}, candidate=outcome)

    assert asked(case) == f"{shown}\nw: x"


def test_earlier_turns_come_first() -> None:
    turns = (
        Turn(role="user", content="Hello,\nwhere is it?"),
        Turn(role="assistant", content="Which order?"),
    )
    case = CaseReport(
        id="c",
        flip="none",
        vars={"v": "A-1"},
        turns=turns,
        candidate=CaseOutcome(id="c", samples=()),
    )

    assert asked(case).splitlines() == [
        "turns:",
        "- user: |",
        "    Hello,",
        "    where is it?",
        "- assistant: Which order?",
        "v: A-1",
    ]
