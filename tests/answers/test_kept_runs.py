"""How runs went: their results, and how long calls took."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tetrad.answers import KeptRuns, RunRecord
from tetrad.canonical import digest_of
from tetrad.results.outcome import AssertionResult, Calls, CaseOutcome, Sample
from tetrad.results.trace import Guarded


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[KeptRuns]:
    with KeptRuns.open(tmp_path / "answers.db", clock=lambda: 1_800_000_000) as opened:
        yield opened


def outcome(name: str, *, passed: bool = True) -> CaseOutcome:
    check = AssertionResult(
        type="not-contains", metric="answer", passed=passed, score=float(passed), reason="why"
    )
    sample = Sample(
        output="yes", passed=passed, metrics={"answer": 1.0}, assertions=(check,), cost_usd=0.25
    )
    return CaseOutcome(id=name, group="g", tags=("a", "b"), line=7, samples=(sample, sample))


def record(golden: str = "golden") -> RunRecord:
    return RunRecord(
        suite="evals/a",
        stack="stacks/a",
        identity=digest_of("identity"),
        golden=digest_of(golden),
        engine="scripted",
    )


def test_a_runs_results_come_back_in_order(kept: KeptRuns) -> None:
    (run,) = kept.start_runs([record()])
    kept.keep_results(run, [(1, outcome("b", passed=False)), (0, outcome("a"))])

    assert kept.results(run) == (outcome("a"), outcome("b", passed=False))


def test_a_newer_finished_run_of_a_subject_replaces_the_results_of_the_older(
    kept: KeptRuns,
) -> None:
    runs = []
    for _ in range(2):
        (run,) = kept.start_runs([record()])
        kept.keep_results(run, [(0, outcome("a"))])
        kept.finish_run(run, record(), Calls(made=1), replaces=True)
        runs.append(run)
    (elsewhere,) = kept.start_runs([record("another golden set")])
    kept.keep_results(elsewhere, [(0, outcome("a"))])
    kept.finish_run(elsewhere, record("another golden set"), Calls(cached=1), replaces=True)

    assert [len(kept.results(run)) for run in (*runs, elsewhere)] == [0, 1, 1]


def test_the_pace_of_a_stack_is_that_of_its_latest_executions(tmp_path: Path) -> None:
    now = [100.0]
    with KeptRuns.open(tmp_path / "answers.db", clock=lambda: now[0]) as kept:
        before = kept.seconds_a_call("stacks/a", "scripted")
        together = kept.start_runs([record(), record("another golden set")])
        now[0] += 6.0
        for run in together:
            kept.finish_run(run, record(), Calls(made=10, cached=5), replaces=True)
        (cached,) = kept.start_runs([record()])
        now[0] += 100.0
        kept.finish_run(cached, record(), Calls(cached=20), replaces=True)

        assert before is None
        assert kept.seconds_a_call("stacks/a", "scripted") == 0.3
        assert kept.seconds_a_call("stacks/b", "scripted") is None
        assert kept.seconds_a_call("stacks/a", "script") is None


def test_the_time_that_stacks_ran_together_is_shared_by_their_calls(tmp_path: Path) -> None:
    now = [100.0]
    records = [record(), replace(record(), stack="stacks/b"), replace(record(), stack="stacks/c")]
    with KeptRuns.open(tmp_path / "answers.db", clock=lambda: now[0]) as kept:
        runs = kept.start_runs(records)
        now[0] += 100.0
        for run, told, made in zip(runs, records, (10, 30, 0), strict=True):
            kept.finish_run(run, told, Calls(made=made), replaces=True)

        assert kept.seconds_a_call("stacks/a", "scripted") == 2.5
        assert kept.seconds_a_call("stacks/b", "scripted") == 2.5
        assert kept.seconds_a_call("stacks/c", "scripted") is None


def test_one_slow_execution_does_not_slow_the_pace(tmp_path: Path) -> None:
    now = [100.0]
    with KeptRuns.open(tmp_path / "answers.db", clock=lambda: now[0]) as kept:
        for seconds, made in ((20.0, 10), (500.0, 10), (10.0, 10), (30.0, 1)):
            (run,) = kept.start_runs([record()])
            now[0] += seconds
            kept.finish_run(run, record(), Calls(made=made), replaces=True)

        assert kept.seconds_a_call("stacks/a", "scripted") == 2.0


def test_a_clock_that_was_set_back_tells_no_pace(tmp_path: Path) -> None:
    now = [1000.0]
    with KeptRuns.open(tmp_path / "answers.db", clock=lambda: now[0]) as kept:
        for seconds in (20.0, -500.0, -500.0):
            (run,) = kept.start_runs([record()])
            now[0] += seconds
            kept.finish_run(run, record(), Calls(made=10), replaces=True)

        assert kept.seconds_a_call("stacks/a", "scripted") == 2.0


def test_results_come_back_as_they_were_but_for_their_traces(kept: KeptRuns) -> None:
    breach = Guarded(rule="output.schema", detail="no \ud800")
    broken = Sample(
        output="\ud800",
        error="the judge did not answer",
        metrics={},
        latency_s=1.5,
        breaches=(breach,),
    )
    written = CaseOutcome(id="a", samples=(*outcome("a").samples, broken))
    (run,) = kept.start_runs([record()])
    kept.keep_results(run, [(0, written)])

    assert kept.results(run) == (written,)
