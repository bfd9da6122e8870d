from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest
from evals.cases import HERE, MODEL, PROMPT, Kept, assertion, case, kept_in, stack, suite
from fakes import OpenAIServer, Reply

from tetrad.artifacts.store import Store
from tetrad.canonical import digest_bytes, digest_of, digest_text
from tetrad.errors import Location, SpecError
from tetrad.evals import Session, execute
from tetrad.model import (
    EngineSpec,
    Judge,
    OpenAIEngine,
    PromptMessage,
    PythonRun,
    ScriptedAnswer,
    ScriptedEngine,
    Suite,
    Tool,
)
from tetrad.results.outcome import Calls, CaseOutcome, SuiteRun
from tetrad.results.trace import Trace
from tetrad.trees import WorkingTree

YES = assertion("equals", "yes")
OTHER = ScriptedEngine(
    answers=(ScriptedAnswer(contains="", output="no"),), digest=digest_of("another script")
)


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Kept]:
    with kept_in(tmp_path) as opened:
        yield opened


def opened(kept: Kept, *, engine: EngineSpec | None = None, code: bool = True) -> Session:
    root = kept.folder
    return Session(
        answers=kept.answers,
        runs=kept.runs,
        registry=root / "registry.db",
        store=Store(root / "store"),
        cache=root / "cache",
        engine=engine,
        code=code,
    )


def run(session: Session, judged: Suite) -> SuiteRun:
    async def work() -> SuiteRun:
        try:
            selection = session.select(
                judged, judged.stacks[0], files=WorkingTree(session.runs.path.parent)
            )
            (done,) = await execute([selection], log=session.runs)
            return done
        finally:
            await session.aclose()

    return asyncio.run(work())


def test_a_suite_is_executed_with_the_engine_of_its_stack(kept: Kept) -> None:
    session = opened(kept)

    (outcome,) = run(session, suite(case("a", YES))).cases

    assert outcome.passed
    assert session.calls == Calls(made=1)


def test_stacks_of_one_model_share_an_engine(kept: Kept, tmp_path: Path) -> None:
    message = PromptMessage(role="user", content="Answer {{ message }}.", location=HERE)
    edited = stack(prompt=replace(PROMPT, messages=(message,)))
    session = opened(kept)

    first = session.select(suite(case("a", YES)), stack(), files=WorkingTree(tmp_path))
    second = session.select(suite(case("a", YES)), edited, files=WorkingTree(tmp_path / "base"))

    assert first.engine is second.engine
    assert first.identity != second.identity


def test_another_engine_answers_where_one_is_given_and_the_identity_stays(
    kept: Kept,
) -> None:
    own = run(opened(kept), suite(case("a", YES)))
    preview = run(opened(kept, engine=OTHER), suite(case("a", YES)))

    assert [own.cases[0].passed, preview.cases[0].passed] == [True, False]
    assert own.identity == preview.identity


def test_what_cannot_be_graded_is_told_at_once_with_every_place(kept: Kept, tmp_path: Path) -> None:
    judged = suite(case("a", assertion("retrieved", "x")), case("b", assertion("similar", "x")))

    with pytest.raises(SpecError) as caught:
        opened(kept).select(judged, stack(), files=WorkingTree(tmp_path))

    assert len(caught.value.issues) == 2
    assert "golden.yaml:3:5: error[GLD983]: retrieved needs a stack" in str(caught.value)


def test_judges_are_asked_through_the_registry(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = OpenAIEngine(model="judge", base_url_env="JUDGE_URL", api_key_env=None)
    judges = {"default": Judge(name="default", model=replace(MODEL, ref="j", engine=engine))}
    judged = suite(case("a", assertion("llm-rubric", "is an answer")), judges=judges)
    verdict = '{"reason": "It answers.", "pass": true, "score": 0.8}'

    with OpenAIServer(Reply(text=verdict)) as server:
        monkeypatch.setenv("JUDGE_URL", server.url)
        first, second = opened(kept), opened(kept)
        (outcome,) = run(first, judged).cases
        run(second, judged)

    assert outcome.metrics == {"answer": 0.8}
    assert outcome.samples[0].assertions[0].reason == "It answers."
    assert len(server.asked) == 1
    assert [first.calls, second.calls] == [Calls(made=2), Calls(cached=2)]


def test_a_judge_that_is_away_makes_the_case_missing(
    kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = OpenAIEngine(model="judge", base_url_env="JUDGE_URL", api_key_env=None)
    judges = {"default": Judge(name="default", model=replace(MODEL, ref="j", engine=engine))}
    judged = suite(case("a", assertion("not-llm-rubric", "is rude")), judges=judges)

    with OpenAIServer(Reply(status=400, error={"message": "no such model"})) as server:
        monkeypatch.setenv("JUDGE_URL", server.url)
        session = opened(kept)
        (outcome,) = run(session, judged).cases

    assert outcome.missing
    assert not outcome.passed


def with_code(judged: Suite, code: str) -> Suite:
    """The suite with a `check.py` that its digest covers."""
    files = {"check.py": {"check.py": digest_text(code.encode())}}
    return replace(judged, golden=replace(judged.golden, code=files))


def test_code_of_the_golden_set_runs_from_the_suites_own_tree(kept: Kept, tmp_path: Path) -> None:
    (tmp_path / "head").mkdir()
    code = "def get_assert(output, context): return True\n"
    (tmp_path / "head" / "check.py").write_text(code)
    judged = with_code(suite(case("a", assertion("python", "file://check.py"))), code)
    session = opened(kept)

    selection = session.select(
        judged,
        stack(),
        files=WorkingTree(tmp_path / "base"),
        suite_files=WorkingTree(tmp_path / "head"),
    )
    (done,) = asyncio.run(execute([selection], log=kept.runs))

    assert done.cases[0].passed


def test_code_does_not_run_on_a_session_that_forbids_it(kept: Kept) -> None:
    judged = suite(case("a", assertion("not-python", "False")))

    (outcome,) = run(opened(kept, code=False), judged).cases

    assert outcome.missing
    assert "does not run in this job" in (outcome.samples[0].error or "")


# Leaves a file beside the repository while it runs and says how many do.
TOGETHER = """\
import os, pathlib, time

def together():
    folder = pathlib.Path("..")
    here = folder / f"{os.getpid()}.running"
    here.touch()
    time.sleep(0.2)
    count = len(list(folder.glob("*.running")))
    here.unlink()
    return count
"""


def test_one_limit_on_tool_processes_holds_for_a_whole_run(kept: Kept, tmp_path: Path) -> None:
    (tmp_path / "desk.py").write_text(TOGETHER)
    run = PythonRun(
        module="desk",
        function="together",
        path="desk.py",
        source=digest_bytes(TOGETHER.encode()),
        timeout_s=60,
    )
    tool = Tool(
        ref="stacks/tools/desk",
        location=Location("stacks/tools/desk.yaml"),
        name="desk",
        description="Answers for tests.",
        input_schema={"type": "object"},
        effect="read",
        run=run,
    )
    asks = ScriptedEngine(
        answers=(
            ScriptedAnswer(
                contains="Say", output="", tool_calls=({"name": "desk", "arguments": {}},)
            ),
            ScriptedAnswer(contains="", output="done"),
        ),
        digest=digest_of("a script that calls"),
    )
    caller = stack(tools=(tool,), model=replace(MODEL, engine=asks))
    most = 4 * (os.cpu_count() or 1)
    judged = replace(
        suite(*(case(f"case-{n}") for n in range(2 * most)), tools="live"), stacks=(caller,)
    )

    done = run_all(opened(kept), judged, replace(judged, ref="evals/b"))

    counts = [
        called.result for one in done for outcome in one.cases for called in traced(outcome).called
    ]
    assert len(counts) == 4 * most
    assert max(cast("list[int]", counts)) <= most


def test_one_limit_on_processes_with_a_golden_sets_code_holds_for_a_whole_run(
    kept: Kept, tmp_path: Path
) -> None:
    most = os.cpu_count() or 1
    code = f"{TOGETHER}\ndef get_assert(output, context):\n    return together() / 1000\n"
    (tmp_path / "check.py").write_text(code)
    asserted = assertion("python", "file://check.py", threshold=0)
    judged = with_code(suite(*(case(f"case-{n}", asserted) for n in range(most))), code)
    suites = [replace(judged, ref=f"evals/{n}") for n in range(4)]

    done = run_all(opened(kept), *suites)

    scores = [outcome.metrics["answer"] for one in done for outcome in one.cases]
    assert len(scores) == 4 * most
    assert max(scores) * 1000 <= most


def run_all(session: Session, *suites: Suite) -> tuple[SuiteRun, ...]:
    async def work() -> tuple[SuiteRun, ...]:
        try:
            root = session.runs.path.parent
            selections = [
                session.select(one, one.stacks[0], files=WorkingTree(root)) for one in suites
            ]
            return await execute(selections, log=session.runs)
        finally:
            await session.aclose()

    return asyncio.run(work())


def traced(outcome: CaseOutcome) -> Trace:
    (sample,) = outcome.samples
    assert sample.trace is not None, sample.error
    return sample.trace
