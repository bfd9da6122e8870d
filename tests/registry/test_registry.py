"""The registry: what ran, with which results, and how long calls took."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from tetrad.canonical import digest_of
from tetrad.registry import Registry, RunRecord, registry_path
from tetrad.registry.runs import TABLES
from tetrad.results.outcome import AssertionResult, Calls, CaseOutcome, Sample
from tetrad.results.trace import Guarded


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    with Registry.open(tmp_path / "registry.db", clock=lambda: 1_800_000_000) as opened:
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


def test_a_runs_results_come_back_in_order(registry: Registry) -> None:
    (run,) = registry.start_runs([record()])
    registry.keep_results(run, [(1, outcome("b", passed=False)), (0, outcome("a"))])

    assert registry.results(run) == (outcome("a"), outcome("b", passed=False))


def test_a_newer_finished_run_of_a_subject_replaces_the_results_of_the_older(
    registry: Registry,
) -> None:
    runs = []
    for _ in range(2):
        (run,) = registry.start_runs([record()])
        registry.keep_results(run, [(0, outcome("a"))])
        registry.finish_run(run, record(), Calls(made=1), replaces=True)
        runs.append(run)
    (elsewhere,) = registry.start_runs([record("another golden set")])
    registry.keep_results(elsewhere, [(0, outcome("a"))])
    registry.finish_run(elsewhere, record("another golden set"), Calls(cached=1), replaces=True)

    assert [len(registry.results(run)) for run in (*runs, elsewhere)] == [0, 1, 1]


def test_the_pace_of_a_stack_is_that_of_its_latest_executions(tmp_path: Path) -> None:
    now = [100.0]
    with Registry.open(tmp_path / "registry.db", clock=lambda: now[0]) as registry:
        before = registry.seconds_a_call("stacks/a", "scripted")
        together = registry.start_runs([record(), record("another golden set")])
        now[0] += 6.0
        for run in together:
            registry.finish_run(run, record(), Calls(made=10, cached=5), replaces=True)
        (cached,) = registry.start_runs([record()])
        now[0] += 100.0
        registry.finish_run(cached, record(), Calls(cached=20), replaces=True)

        assert before is None
        assert registry.seconds_a_call("stacks/a", "scripted") == 0.3
        assert registry.seconds_a_call("stacks/b", "scripted") is None
        assert registry.seconds_a_call("stacks/a", "script") is None


def test_the_time_that_stacks_ran_together_is_shared_by_their_calls(tmp_path: Path) -> None:
    now = [100.0]
    records = [record(), replace(record(), stack="stacks/b"), replace(record(), stack="stacks/c")]
    with Registry.open(tmp_path / "registry.db", clock=lambda: now[0]) as registry:
        runs = registry.start_runs(records)
        now[0] += 100.0
        for run, told, made in zip(runs, records, (10, 30, 0), strict=True):
            registry.finish_run(run, told, Calls(made=made), replaces=True)

        assert registry.seconds_a_call("stacks/a", "scripted") == 2.5
        assert registry.seconds_a_call("stacks/b", "scripted") == 2.5
        assert registry.seconds_a_call("stacks/c", "scripted") is None


def test_one_slow_execution_does_not_slow_the_pace(tmp_path: Path) -> None:
    now = [100.0]
    with Registry.open(tmp_path / "registry.db", clock=lambda: now[0]) as registry:
        for seconds, made in ((20.0, 10), (500.0, 10), (10.0, 10), (30.0, 1)):
            (run,) = registry.start_runs([record()])
            now[0] += seconds
            registry.finish_run(run, record(), Calls(made=made), replaces=True)

        assert registry.seconds_a_call("stacks/a", "scripted") == 2.0


def test_a_clock_that_was_set_back_tells_no_pace(tmp_path: Path) -> None:
    now = [1000.0]
    with Registry.open(tmp_path / "registry.db", clock=lambda: now[0]) as registry:
        for seconds in (20.0, -500.0, -500.0):
            (run,) = registry.start_runs([record()])
            now[0] += seconds
            registry.finish_run(run, record(), Calls(made=10), replaces=True)

        assert registry.seconds_a_call("stacks/a", "scripted") == 2.0


def test_the_registry_lies_in_the_repository_unless_the_environment_names_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TETRAD_REGISTRY", raising=False)
    assert registry_path(tmp_path) == tmp_path / ".tetrad" / "registry.db"

    monkeypatch.setenv("TETRAD_REGISTRY", "/elsewhere/kept.db")
    assert registry_path(tmp_path) == Path("/elsewhere/kept.db")


def test_results_come_back_as_they_were_but_for_their_traces(registry: Registry) -> None:
    breach = Guarded(rule="output.schema", detail="no \ud800")
    broken = Sample(
        output="\ud800",
        error="the judge did not answer",
        metrics={},
        latency_s=1.5,
        breaches=(breach,),
    )
    written = CaseOutcome(id="a", samples=(*outcome("a").samples, broken))
    (run,) = registry.start_runs([record()])
    registry.keep_results(run, [(0, written)])

    assert registry.results(run) == (written,)


@pytest.mark.parametrize("version", [1, 2])
def test_runs_of_earlier_versions_stay_and_their_results_go(tmp_path: Path, version: int) -> None:
    path = tmp_path / "registry.db"
    with closing(sqlite3.connect(path)) as connection:
        for script in TABLES.scripts[:version]:
            connection.executescript(script)
        connection.execute(
            "INSERT INTO runs (suite, stack, identity, golden, engine, started, finished, made)"
            " VALUES ('evals/a', 'stacks/a', x'00', x'00', 'scripted', 1, 3, 1)"
        )
        connection.execute("INSERT INTO results VALUES (1, 0, 'a', '{}')")
        connection.execute(f"PRAGMA application_id = {TABLES.application}")
        connection.execute(f"PRAGMA user_version = {version}")
        connection.commit()

    with Registry.open(path) as registry:
        assert registry.seconds_a_call("stacks/a", "scripted") == 2.0
        assert registry.results(1) == ()
