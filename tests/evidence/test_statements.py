"""How statements are written, and that what is written is read again."""

from __future__ import annotations

import json
from dataclasses import fields
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
import signing as s
from goldens import check_golden

from tetrad.canonical import digest_bytes
from tetrad.evidence import Refused, statements
from tetrad.evidence.statements import (
    VERIFIER,
    Evaluation,
    LedgerHead,
    Predicate,
    Statement,
    VerifierId,
    YardstickEvaluation,
    predicate_type_of,
    read_statement,
    write_statement,
    written_time,
)
from tetrad.results.codec import Codec
from tetrad.results.gate_report import AcceptanceUse, Helper, WaiverUse, YardstickChange

EVERYTHING = s.evaluation(
    helpers=(Helper(role="judge", name="default", build="torch"),),
    suites=(
        s.suite_evaluation(
            waived=(
                WaiverUse(case="late", reason="r", owner="@o", until="2026-12-31", is_new=True),
            ),
            requirements=(
                s.requirement(mde=0.1, statistic="mean", cases=("late",)),
                s.requirement(requirement="max_flips", metric=None, interval=None, value=2.0),
            ),
        ),
    ),
    yardsticks=(
        YardstickEvaluation(
            suite=s.SUITE,
            digest=digest_bytes(b"old"),
            decision="FAILED",
            binding=False,
            accepted=(AcceptanceUse(suite=s.SUITE, what="case irony", reason="r", owner="@o"),),
        ),
    ),
    loosened=(
        YardstickChange(
            kind="requirement",
            ref=s.SUITE,
            before="≥ 0.8",
            after="≥ 0.7",
            cases=("late",),
            note="n",
        ),
    ),
    unpinned=("stacks/models/judge",),
    ledger=LedgerHead(first=digest_bytes(b"first"), number=17, digest=digest_bytes(b"head")),
)
PREDICATES: dict[str, Predicate] = {
    "evaluation": EVERYTHING,
    "short-evaluation": s.evaluation(),
    "summary": s.summary(b"run", verifier=VerifierId(id=VERIFIER, version={"tetrad": "0.1.0"})),
    "approval": s.approval(),
    "admission": s.admission(evidence=(digest_bytes(b"run"),)),
}


@pytest.fixture(autouse=True)
def _fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    """What reads and writes is made anew, whatever was read before."""
    monkeypatch.setattr(statements, "_CODEC", Codec(statements._configure))


def statement(kind: str) -> Statement:
    return Statement(identity=s.IDENTITY, name="triage", predicate=PREDICATES[kind])


@pytest.mark.parametrize("kind", PREDICATES)
def test_statements_are_written_as_published(kind: str) -> None:
    document = json.loads(write_statement(statement(kind)))
    text = json.dumps(document, indent=2, ensure_ascii=False) + "\n"
    check_golden(Path(__file__).parent / "statements" / f"{kind}.json", text)


@pytest.mark.parametrize("kind", PREDICATES)
def test_what_is_written_is_read_again(kind: str) -> None:
    payload = write_statement(statement(kind))
    assert read_statement(payload) == statement(kind)
    assert predicate_type_of(payload) == json.loads(payload)["predicateType"]


def test_nothing_of_an_evaluation_is_left_out_above() -> None:
    assert {f.name for f in fields(Evaluation)} == {
        f.name for f in fields(Evaluation) if getattr(EVERYTHING, f.name)
    }


def test_times_are_utc_to_the_second() -> None:
    east = timezone(timedelta(hours=5, minutes=30))
    moment = datetime(2026, 1, 31, 23, 0, 5, 999_999, tzinfo=east)
    assert written_time(moment) == "2026-01-31T17:30:05Z"
    assert written_time(datetime(2026, 1, 31, tzinfo=UTC)) == "2026-01-31T00:00:00Z"


MISREAD = {
    "text": (b"x", "statement: not JSON: Expecting value: line 1 column 1 (char 0)"),
    "bytes": (
        b"\xff",
        "statement: not JSON: 'utf-8' codec can't decode byte 0xff in position 0: invalid start byte",
    ),
    "list": (b"[]", "statement: not a https://in-toto.io/Statement/v1"),
    "untyped": (
        b'{"_type": "https://in-toto.io/Statement/v1"}',
        "statement: predicateType is missing",
    ),
}


@pytest.mark.parametrize("name", MISREAD)
def test_what_has_no_type_is_refused(name: str) -> None:
    payload, message = MISREAD[name]
    for read in (predicate_type_of, read_statement):
        with pytest.raises(Refused) as caught:
            read(payload)
        assert str(caught.value) == message


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"number":17', '"number":"x"', "statement: predicate.ledger.number: must be a number"),
        ('"tree":', '"leaf":', "statement: predicate.commit.tree: is missing"),
        (
            "2026-06-13T12:00:00Z",
            "2026-06-13",
            "statement: predicate.evaluatedOn: must be a time like 2026-01-31T12:00:00Z",
        ),
        ('"attestedOn":"2026-06-13T12:00:00Z"', '"attestedOn":1', "statement: predicate.attestedOn: must be a text"),
    ],
)  # fmt: skip
def test_a_misfit_is_told_with_its_place(old: str, new: str, message: str) -> None:
    payload = write_statement(statement("evaluation")).decode().replace(old, new)
    with pytest.raises(Refused) as caught:
        read_statement(payload.encode())
    assert str(caught.value) == message
