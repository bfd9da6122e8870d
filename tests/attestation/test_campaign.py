"""Whatever is changed in a report that it claims, it is not signed, and the place is named.

`make campaigns` looks at 10,000 mutants, of the 100,000 of TETRAD_MUTANTS; what a change claims is
also told without our own reader (`report_claims`).
"""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from random import Random
from typing import Any

import pytest
from attestation.gated import Gated
from attestation.report_claims import agrees_on_seconds, changes, claimed, said
from attestation.report_mutations import KINDS, mutant

from tetrad.attestation import Attested
from tetrad.errors import TetradError

SHARE = 1  # of ten mutants
PLACE = (
    "report.json: not a report: $",
    "report.json: not a report: the key '",
    "report.json is not a report: it is not UTF-8",
    "report.json: unsupported report version ",
    "stacks/feedback",
    "evals/feedback: ",
    "the report",
    "the commit has no stack ",
)


def names_place(message: str) -> bool:
    return any(place in message for place in PLACE) or bool(re.search(r"line \d+ column", message))


def statement_of(attested: Attested) -> Any:
    return json.loads(attested.envelopes[0])["predicate"]


def check_signed(gated: Gated, data: bytes, attested: tuple[Attested, ...]) -> str:
    """That what was signed of a mutant claims nothing that was changed; how it differs."""
    before, after = json.loads(gated.text), json.loads(data)
    if not any(stack["suites"] for stack in after["stacks"]):
        assert not attested
        return "nothing to sign"
    (one,) = attested
    found = statement_of(one)
    assert {key: found[key] for key in ("engine", "build")} == {
        key: after["stacks"][0][key] for key in ("engine", "build")
    }
    repeated = said(after)
    assert found.get("helpers", []) == repeated["helpers"]
    assert [
        {key: suite[key] for key in repeated["suites"][0]} for suite in found["suites"]
    ] == repeated["suites"]
    assert agrees_on_seconds(after)
    places = claimed(list(changes(before, after)))
    if places == [".stacks[0].suites"]:
        assert len(after["stacks"][0]["suites"]) < len(before["stacks"][0]["suites"])
        assert one.incomplete
        return "in part"
    assert not places, places
    assert not one.incomplete
    return "the same in what it claims"


def outcome_of(gated: Gated, data: bytes) -> tuple[Attested, ...] | str:
    """What was signed, or why nothing was; nothing but our error is raised."""
    try:
        return gated.attest(data)
    except TetradError as error:
        return str(error)


def run(kind: str, count: int, gated: Gated) -> Counter[str]:
    random = Random(kind)
    made: Counter[str] = Counter()
    for _ in range(count):
        data = mutant(kind, gated.text, random)
        outcome = outcome_of(gated, data)
        if isinstance(outcome, str):
            assert names_place(outcome), outcome
            made["refused"] += 1
        else:
            made[check_signed(gated, data, outcome)] += 1
    return made


@pytest.mark.parametrize("kind", KINDS)
def test_a_changed_report_is_refused_with_its_place(kind: str, gated: Gated) -> None:
    assert run(kind, 30, gated)["refused"] > 0


@pytest.mark.campaign
@pytest.mark.parametrize("kind", KINDS)
def test_many_changed_reports_are_refused_with_their_places(kind: str, gated: Gated) -> None:
    count = int(os.environ.get("TETRAD_MUTANTS", "100000")) * SHARE // 10 // len(KINDS) + 1
    made = run(kind, count, gated)
    assert made.total() == count
    assert made["refused"] > count * 0.2
