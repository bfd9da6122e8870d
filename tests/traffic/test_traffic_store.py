"""Answers and feedback are kept on SQLite and on PostgreSQL, found again, and erased for good."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tetrad.canonical import digest_of
from tetrad.registry import Place, open_ledger
from tetrad.results.trace import Trace
from tetrad.traffic import KeptAnswer, feedback_on, kept_answer
from tetrad.traffic.traffic_store import Traffic

START = datetime(2026, 11, 30, 12, tzinfo=UTC)
ONE, TWO = digest_of("one identity"), digest_of("another identity")


@pytest.fixture
def traffic(place: Place) -> Iterator[Traffic]:
    with Traffic.open(place) as opened:
        yield opened


def answer(number: int, *, stack: str = "stacks/a", sampled: bool = True) -> KeptAnswer:
    """An answer a minute, the odd ones of another identity."""
    made = kept_answer(
        Trace(vars={"n": number}, steps=(), output=f"answer {number}"),
        id=f"{number:016x}",
        trace=f"{number:032x}",
        at=START + timedelta(minutes=number),
        environment="production",
        stack=stack,
        identity=(ONE, TWO)[number % 2],
        sampled=sampled,
    )
    assert made is not None
    return made


def test_what_is_kept_is_found_by_what_it_is_about(traffic: Traffic) -> None:
    kept = [answer(n) for n in range(450)]  # more than a page
    traffic.keep([*kept, answer(900, stack="stacks/b"), answer(901, sampled=False)])

    assert list(traffic.answers(stack="stacks/a", sampled=True)) == kept
    assert list(traffic.answers(identity=TWO, sampled=True)) == kept[1::2]
    assert list(traffic.answers(since=kept[448].at, stack="stacks/a", sampled=True)) == kept[448:]
    assert [a.trace for a in traffic.answers(traces=[kept[3].trace])] == [kept[3].trace]
    assert list(traffic.answers(environment="staging")) == []


def test_an_answer_of_the_same_moment_is_on_one_page_only(traffic: Traffic) -> None:
    kept = [answer(n) for n in range(450)]
    at_once = [
        KeptAnswer(
            id=one.id, trace=one.trace, at=START, environment=one.environment, stack=one.stack,
            identity=one.identity, sampled=True, answer=one.answer,
        )
        for one in kept
    ]  # fmt: skip
    traffic.keep(at_once)

    assert list(traffic.answers()) == at_once


def test_an_answer_that_was_kept_for_its_feedback_joins_the_sample(traffic: Traffic) -> None:
    traffic.keep([answer(1, sampled=False)])
    assert list(traffic.answers(sampled=True)) == []

    traffic.keep([answer(1, sampled=True)])
    traffic.keep([answer(1, sampled=False)])

    assert [kept.sampled for kept in traffic.answers()] == [True]


def test_feedback_is_kept_beside_the_answer_it_is_about(traffic: Traffic) -> None:
    kept = answer(1)
    said = feedback_on(kept, at=START, rating="bad", comment="wrong", correction="right")
    praised = feedback_on(kept, at=START + timedelta(days=1), rating="good")

    traffic.keep([kept], [said, praised])

    assert traffic.feedback() == (said, praised)
    assert traffic.feedback(since=START + timedelta(hours=1)) == (praised,)
    assert traffic.feedback(stack="stacks/b") == ()


def test_answers_of_one_trace_are_all_kept(traffic: Traffic) -> None:
    first, second = answer(1), replace(answer(2), trace=answer(1).trace)
    said = feedback_on(second, at=second.at, rating="bad")
    traffic.keep([first, second], [said])

    assert list(traffic.answers(traces=[first.trace])) == [first, second]
    assert list(traffic.answers(ids=[said.answer])) == [second]
    assert traffic.erase(traces=[first.trace]) == (2, 1)


def test_what_is_erased_is_gone(traffic: Traffic) -> None:
    kept = [answer(n) for n in range(4)]
    said = [feedback_on(one, at=one.at, rating="bad", comment="wrong") for one in kept]
    traffic.keep(kept, said)

    assert traffic.erase(traces=[kept[0].trace]) == (1, 1)
    assert traffic.erase(before=kept[2].at) == (1, 1)

    assert list(traffic.answers()) == kept[2:]
    assert traffic.feedback() == tuple(said[2:])


def test_an_erased_text_is_in_no_file(tmp_path: Path) -> None:
    with Traffic.open(tmp_path / "registry.db") as traffic:
        made = kept_answer(
            Trace(vars={}, steps=(), output="the words of a user"), id="1", trace="1", at=START,
            environment="e", stack="s", identity=ONE, sampled=True,
        )  # fmt: skip
        assert made is not None
        traffic.keep([made])
        traffic.erase(traces=["1"])

        for file in tmp_path.iterdir():
            assert b"the words of a user" not in file.read_bytes()


def test_the_ledger_beside_it_stays_whole(place: Place) -> None:
    with open_ledger(place) as ledger, Traffic.open(place) as traffic:
        ledger.append("run", content=b"one")
        traffic.keep([answer(1)])
        traffic.erase(traces=[answer(1).trace])

        assert ledger.append("run", content=b"two").number == 2
        assert ledger.verify() == []
