from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from evals.cases import HERE, PROMPT, Kept, assertion, case, kept_in, selection, stack, suite
from fakes import ScriptedAnswers, Watcher

from tetrad.errors import DatabaseError, EngineUnavailable, JudgeFailed
from tetrad.evals import Recorded, execute
from tetrad.model import AssertionSet, ChatInput, Generation, History, Prices, RecordedCall, Turn
from tetrad.results.exchange import Completion, Request, Usage
from tetrad.results.outcome import Calls, SuiteRun

YES = assertion("equals", "ok")
NO = assertion("equals", "no")


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Kept]:
    with kept_in(tmp_path) as opened:
        yield opened


def run_one(kept: Kept, judged: Any, engine: Any = None, **changed: Any) -> SuiteRun:
    chosen = selection(judged, engine or ScriptedAnswers(), kept.answers, kept.folder, **changed)
    (run,) = asyncio.run(execute([chosen], log=kept.runs))
    return run


def test_outcomes_come_in_the_golden_sets_order(kept: Kept) -> None:
    cases = [case(f"case-{n}", YES if n % 3 else NO, tags=("core",)) for n in range(200)]

    run = run_one(kept, suite(*cases))

    assert [outcome.id for outcome in run.cases] == [c.id for c in cases]
    assert [outcome.passed for outcome in run.cases] == [n % 3 > 0 for n in range(200)]
    assert run.cases[0].tags == ("core",)
    assert run.cases[0].line == HERE.line
    assert (run.suite, run.stack, run.golden) == (
        "evals/a",
        "stacks/a",
        suite(*cases).golden.digest,
    )


def test_a_metric_is_the_weighted_mean_of_its_assertions(kept: Kept) -> None:
    judged = suite(
        case(
            "a",
            assertion("equals", "ok", weight=3),
            assertion("equals", "no", weight=1),
            assertion("contains", "o", metric="tone"),
        ),
        metrics=("answer", "tone"),
    )

    (outcome,) = run_one(kept, judged).cases

    assert outcome.metrics == {"answer": 0.75, "tone": 1.0}
    assert not outcome.passed
    assert [(a.type, a.passed, a.metric) for a in outcome.samples[0].assertions] == [
        ("equals", True, "answer"),
        ("equals", False, "answer"),
        ("contains", True, "tone"),
    ]


@pytest.mark.parametrize(("threshold", "passed"), [(0.5, True), (0.51, False), (0.0, True)])
def test_a_cases_threshold_is_for_the_mean_of_its_assertions(
    kept: Kept, threshold: float, passed: bool
) -> None:
    (outcome,) = run_one(kept, suite(case("a", YES, NO, threshold=threshold))).cases

    assert outcome.passed is passed


def test_an_assertion_of_weight_zero_measures_and_decides_nothing(kept: Kept) -> None:
    measured = assertion("equals", "no", weight=0, metric="style")

    (outcome,) = run_one(kept, suite(case("a", YES, measured))).cases

    assert outcome.passed
    assert outcome.metrics == {"answer": 1.0, "style": 0.0}


@pytest.mark.parametrize(("threshold", "passed"), [(None, False), (0.5, True), (0.6, False)])
def test_assertions_of_a_set_pass_together(
    kept: Kept, threshold: float | None, passed: bool
) -> None:
    inner = (replace(YES, metric="exact"), NO)
    group = AssertionSet(assertions=inner, threshold=threshold, weight=2, location=HERE)

    (outcome,) = run_one(kept, suite(case("a", group, YES))).cases

    assert outcome.passed is passed
    assert outcome.metrics == {"answer": pytest.approx(2 / 3), "exact": 1.0}
    assert "equals: does not equal" in outcome.samples[0].assertions[0].reason


def test_a_case_without_assertions_passes_and_leaves_the_metrics(kept: Kept) -> None:
    (outcome,) = run_one(kept, suite(case("a"))).cases

    assert outcome.passed
    assert outcome.metrics == {}


def test_an_assertions_value_takes_the_cases_variables(kept: Kept) -> None:
    engine = ScriptedAnswers({"": "about cats and dogs"})
    asserted = assertion("contains-all", ["{{ topic }}s", "dogs"])
    judged = suite(case("a", asserted, vars={"message": "x", "topic": "cat"}))

    (outcome,) = run_one(kept, judged, engine).cases

    assert outcome.passed


def test_each_repeat_is_asked_anew_and_none_is_asked_twice(kept: Kept) -> None:
    engine = ScriptedAnswers()
    judged = suite(case("a", YES, repeats=3), case("b", YES))

    first = run_one(kept, judged, engine)
    again = run_one(kept, judged, ScriptedAnswers({}))

    assert sorted(request.sample for request in engine.asked) == [0, 0, 1, 2]
    assert [len(outcome.samples) for outcome in first.cases] == [3, 1]
    assert [o.passed for o in again.cases] == [True, True]


def test_what_an_engine_does_not_answer_is_missing_and_never_failing(kept: Kept) -> None:
    engine = ScriptedAnswers({"case-1": "ok"})
    judged = suite(case("case-1", YES), case("case-2", YES))

    answered, missing = run_one(kept, judged, engine).cases

    assert answered.passed
    assert missing.missing
    assert missing.metrics == {}
    assert "no answer to" in (missing.samples[0].error or "")


def test_a_case_that_the_prompt_does_not_take_is_missing_and_leaves_the_others_alone(
    kept: Kept,
) -> None:
    judged = suite(case("a", YES), case("b", YES, vars={"messag": "x"}))

    taken, refused = run_one(kept, judged).cases

    assert taken.passed
    assert refused.missing
    assert "message: is required and not given" in (refused.samples[0].error or "")


def test_cases_that_cannot_be_prepared_are_missing_with_the_reason(kept: Kept) -> None:
    class OutOfMemory:
        """Fails from the second chunk on."""

        def __init__(self, runtime: Any) -> None:
            self.runtime = runtime

        def prepare_many(self, requests: Any) -> Any:
            if requests[0].vars["message"] != "case-0":
                raise EngineUnavailable("out of memory")
            return self.runtime.prepare_many(requests)

        async def answer_prepared(self, *args: Any, **more: Any) -> Any:
            return await self.runtime.answer_prepared(*args, **more)

    judged = suite(*(case(f"case-{n}", YES) for n in range(200)))
    chosen = selection(judged, ScriptedAnswers(), kept.answers, kept.folder)
    failing = replace(chosen, runtime=OutOfMemory(chosen.runtime))

    (run,) = asyncio.run(execute([failing], log=kept.runs))

    errors = [sample.error for outcome in run.cases for sample in outcome.samples]
    assert errors == [None] * 64 + ["out of memory"] * 136


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (Completion(text="", finish_reason="length"), "used its 16 tokens (max_tokens) before"),
        (Completion(text="", finish_reason="content_filter"), "the provider filtered the answer"),
        (Completion(text="So", finish_reason="content_filter"), "the provider filtered the answer"),
    ],
)
def test_an_answer_that_was_withheld_fails_with_its_reason_and_is_kept(
    answer: Completion, why: str, kept: Kept, tmp_path: Path
) -> None:
    engine = ScriptedAnswers({"": answer})
    subject = stack(generation=Generation(max_tokens=16))
    # an empty answer holds what it must not hold
    judged = suite(case("a", assertion("equals", "yes"), assertion("not-contains", "no")))
    for _ in range(2):
        (run,) = asyncio.run(
            execute(
                [selection(judged, engine, kept.answers, tmp_path, stack=subject)],
                log=kept.runs,
            )
        )

    sample = run.cases[0].samples[0]
    assert (sample.error, sample.passed, sample.metrics) == (None, False, {"answer": 0.0})
    assert all(why in result.reason for result in sample.assertions)
    assert len(engine.asked) == 1


def test_an_answer_that_was_cut_off_is_graded_as_it_is(kept: Kept, tmp_path: Path) -> None:
    engine = ScriptedAnswers({"": Completion(text="yes, bec", finish_reason="length")})
    judged = suite(case("a", assertion("contains", "yes")))

    (run,) = asyncio.run(
        execute([selection(judged, engine, kept.answers, tmp_path)], log=kept.runs)
    )

    assert run.cases[0].passed


class BrokenServices:
    async def similarities(self, text: str, others: tuple[str, ...]) -> tuple[float, ...]:
        raise MemoryError

    async def ask_judge(self, *_: Any) -> Any:
        raise JudgeFailed("the judge is away")

    async def run_python(self, *_: Any) -> Any:
        raise EngineUnavailable("nothing runs")


@pytest.mark.parametrize(
    ("type_", "words"),
    [("llm-rubric", "the judge is away"), ("similar", "out of memory")],
)
def test_a_judge_that_fails_makes_the_result_missing_and_keeps_the_output(
    kept: Kept, type_: str, words: str
) -> None:
    judged = suite(case("a", assertion(type_, "be nice")), case("b", YES))

    broken, sound = run_one(kept, judged, services=BrokenServices()).cases

    assert broken.missing
    assert broken.samples[0].error == words
    assert broken.samples[0].output == "ok"
    assert broken.samples[0].trace is not None
    assert sound.passed


class Buggy:
    """A runtime of ours that has a bug somewhere."""

    def __init__(self, runtime: Any, place: str, *, case: str = "") -> None:
        self.runtime = runtime
        self.place = place
        self.case = case

    def prepare_many(self, requests: Any) -> Any:
        is_met = not self.case or {"message": self.case} in [one.vars for one in requests]
        if self.place == "preparing" and is_met:
            raise KeyError("oops")
        return self.runtime.prepare_many(requests)

    async def answer_prepared(self, *args: Any, **more: Any) -> Any:
        if self.place == "answering":
            raise KeyError("oops")
        return await self.runtime.answer_prepared(*args, **more)


class BuggyServices(BrokenServices):
    async def similarities(self, text: str, others: tuple[str, ...]) -> tuple[float, ...]:
        raise KeyError("oops")


@pytest.mark.parametrize("place", ["preparing", "answering", "grading"])
def test_a_bug_of_ours_ends_the_run_and_is_no_missing_result(kept: Kept, place: str) -> None:
    judged = suite(case("a", assertion("similar", "be nice")), case("b", YES))
    chosen = selection(judged, ScriptedAnswers(), kept.answers, kept.folder)
    buggy = replace(chosen, runtime=Buggy(chosen.runtime, place), services=BuggyServices())

    with pytest.raises(KeyError, match="oops") as raised:
        asyncio.run(execute([buggy], log=kept.runs))

    assert any(
        entry.name in {"prepare_many", "answer_prepared", "similarities"}
        for entry in raised.traceback
    )


@pytest.mark.parametrize("number", [0, 64, 128, 199])
def test_a_bug_in_what_is_prepared_ahead_of_need_ends_the_run(kept: Kept, number: int) -> None:
    judged = suite(*(case(f"case-{n}", YES) for n in range(200)))
    chosen = selection(judged, ScriptedAnswers(), kept.answers, kept.folder)
    buggy = replace(chosen, runtime=Buggy(chosen.runtime, "preparing", case=f"case-{number}"))

    with pytest.raises(KeyError, match="oops"):
        asyncio.run(execute([buggy], log=kept.runs))


def test_an_answer_costs_what_its_tokens_cost(kept: Kept) -> None:
    usage = Usage(input_tokens=1_000_000, cached_input_tokens=400_000, output_tokens=500_000)
    engine = ScriptedAnswers({"": Completion(text="ok", usage=usage, latency_s=0.5)})
    priced = stack(model=replace(stack().model, prices=Prices(input=1, cached_input=0.5, output=2)))
    checks = (assertion("cost", threshold=1.8), assertion("latency", threshold=500))

    (outcome,) = run_one(kept, suite(case("a", *checks)), engine, stack=priced).cases

    assert outcome.passed
    assert outcome.samples[0].cost_usd == pytest.approx(0.6 + 0.2 + 1.0)
    assert outcome.samples[0].latency_s == 0.5


def test_selections_of_one_engine_share_its_places_and_others_run_beside(
    kept: Kept, tmp_path: Path
) -> None:
    engine, other = ScriptedAnswers(delay_s=0.01, concurrency=4), ScriptedAnswers(delay_s=0.01)
    shared = Recorded(engine, kept.answers, stack().model.engine.digest)  # type: ignore[union-attr]
    many = [case(f"case-{n}", YES) for n in range(6)]
    few = [case(f"more-{n}", YES) for n in range(6)]
    chosen = [
        selection(suite(*many), shared, kept.answers, tmp_path),
        selection(suite(*few), shared, kept.answers, tmp_path),
        selection(suite(*many), other, kept.answers, tmp_path),
    ]

    runs = asyncio.run(execute(chosen, log=kept.runs))

    assert [len(run.cases) for run in runs] == [6, 6, 6]
    assert engine.most_in_flight == 4
    assert shared.calls == Calls(made=12)


def test_progress_counts_samples(kept: Kept, tmp_path: Path) -> None:
    watcher = Watcher()
    judged = suite(case("a", YES, repeats=3), case("b", YES))
    chosen = selection(judged, ScriptedAnswers(), kept.answers, tmp_path)

    asyncio.run(execute([chosen], log=kept.runs, progress=watcher))

    assert watcher.work == [("cases", 4, 4)]


def test_failures_are_told_while_the_run_goes_on(kept: Kept, tmp_path: Path) -> None:
    watcher = Watcher()
    judged = suite(case("a", YES), case("b", NO), case("c", YES, vars={"messag": "x"}))
    chosen = selection(judged, ScriptedAnswers(), kept.answers, tmp_path)

    asyncio.run(execute([chosen], log=kept.runs, progress=watcher))

    assert watcher.tallies[-1] == "1 failed, 1 without result"
    assert len(watcher.notes) == 1
    assert watcher.notes[0].startswith("no result: ")
    assert "message: is required and not given" in watcher.notes[0]


def test_a_selection_runs_only_its_cases(kept: Kept) -> None:
    judged = suite(case("a", YES), case("b", YES), case("c", YES))

    run = run_one(kept, judged, cases=judged.golden.cases[1:2])

    assert [outcome.id for outcome in run.cases] == ["b"]


def test_outcomes_are_kept(kept: Kept) -> None:
    judged = suite(*(case(f"case-{n}", YES if n % 2 else NO) for n in range(600)))

    run = run_one(kept, judged)
    bare = tuple(
        replace(o, samples=tuple(replace(s, trace=None) for s in o.samples)) for o in run.cases
    )

    assert kept.runs.results(1) == bare


def test_a_partial_run_leaves_the_whole_ones_results(kept: Kept) -> None:
    judged = suite(case("a", YES), case("b", YES))

    run_one(kept, judged)
    run_one(kept, judged, cases=judged.golden.cases[:1])

    assert [len(kept.runs.results(number)) for number in (1, 2)] == [2, 1]


def test_the_traces_kept_are_of_failing_samples_first_and_in_order(
    kept: Kept, tmp_path: Path
) -> None:
    judged = suite(*(case(f"case-{n}", NO if n in {3, 7} else YES) for n in range(10)))
    chosen = selection(judged, ScriptedAnswers(), kept.answers, tmp_path)

    (run,) = asyncio.run(execute([chosen], log=kept.runs, traces=4))

    with_trace = [n for n, o in enumerate(run.cases) if o.samples[0].trace is not None]

    assert with_trace == [0, 1, 3, 7]


@pytest.mark.parametrize("what", ["answers", "runs"])
def test_a_database_that_fails_ends_the_execution(kept: Kept, what: str) -> None:
    connection = getattr(kept, what)._database.connection

    class FullDisk(ScriptedAnswers):
        async def complete(self, request: Request) -> Completion:
            connection.execute("PRAGMA query_only = ON")
            return await super().complete(request)

    judged = suite(*(case(f"case-{n}", YES) for n in range(600)))

    with pytest.raises(DatabaseError, match="readonly"):
        run_one(kept, judged, FullDisk())

    connection.execute("PRAGMA query_only = OFF")
    assert kept.runs.results(1) == ()


def test_a_tool_answers_each_sample_from_what_the_case_recorded(kept: Kept) -> None:
    recorded = (RecordedCall(tool="order_status", result={"state": "sent"}),)
    judged = suite(case("a", YES, tools=recorded, repeats=2))

    (outcome,) = run_one(kept, judged).cases

    assert outcome.passed


def test_a_run_begins_again_where_the_endpoint_proves_to_be_of_another_build(
    kept: Kept,
) -> None:
    old, new = (ScriptedAnswers({"": f"server {n}"}, build=None, told=f"server {n}") for n in "12")
    run_one(kept, suite(case("a"), case("b")), old)
    watcher, cases = Watcher(), [case(name) for name in "abc"]
    chosen = selection(suite(*cases), new, kept.answers, kept.folder)

    (run,) = asyncio.run(execute([chosen], log=kept.runs, progress=watcher))

    assert [one.samples[0].output for one in run.cases] == ["server 2"] * 3
    assert chosen.engine.build == "server 2"
    assert chosen.engine.calls == Calls(made=3)
    assert watcher.work[-1] == ("cases", 3, 3)
    assert kept.runs.results(2) == tuple(
        replace(one, samples=tuple(replace(s, trace=None) for s in one.samples))
        for one in run.cases
    )


def test_a_run_whose_answers_are_all_kept_is_of_their_build(kept: Kept) -> None:
    old, new = (ScriptedAnswers({"": f"server {n}"}, build=None, told=f"server {n}") for n in "12")
    judged = suite(*(case(name) for name in "abc"))
    run_one(kept, judged, old)
    chosen = selection(judged, new, kept.answers, kept.folder)

    asyncio.run(execute([chosen], log=kept.runs))

    assert chosen.engine.build == "server 1"
    assert new.asked == []


def test_a_case_is_asked_with_its_earlier_turns(kept: Kept) -> None:
    engine = ScriptedAnswers()
    chat = ChatInput(input="message", history=History(max_tokens=100))
    turns = (Turn(role="user", content="Hello"), Turn(role="assistant", content="Hi"))
    judged = suite(case("a", YES), case("a-later", YES, vars={"message": "a"}, turns=turns))

    run = run_one(kept, judged, engine, stack=stack(prompt=replace(PROMPT, chat=chat)))

    assert [outcome.passed for outcome in run.cases] == [True, True]
    asked = [[m.content for m in request.messages] for request in engine.asked]
    assert sorted(asked) == [["Hello", "Hi", "Say a."], ["Say a."]]
