from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from fakes import ScriptedAnswers

from tetrad.answers import Answers
from tetrad.canonical import digest_of
from tetrad.errors import DatabaseError, EngineUnavailable
from tetrad.evals import Recorded
from tetrad.evals.answer_store import BuildMoved
from tetrad.results.exchange import Completion, Message, Request, Usage
from tetrad.results.outcome import Calls

MODEL = digest_of("a model")


@pytest.fixture
def answers(tmp_path: Path) -> Iterator[Answers]:
    with Answers.open(tmp_path / "answers.db") as opened:
        yield opened


def request(text: str = "Hello", sample: int = 0) -> Request:
    return Request(messages=(Message(role="user", content=text),), sample=sample)


def test_a_question_is_asked_once_and_its_answer_carries_its_first_latency(
    answers: Answers,
) -> None:
    answer = Completion(text="Hi", usage=Usage(input_tokens=7), latency_s=1.5, first_token_s=0.5)
    engine = ScriptedAnswers({"": answer})
    recorded = Recorded(engine, answers, MODEL)

    async def twice() -> list[Completion]:
        return [await recorded.complete(request()) for _ in range(2)]

    first, second = asyncio.run(twice())

    assert len(engine.asked) == 1
    assert first == answer
    assert second == replace(answer, cached=True)
    assert recorded.calls == Calls(made=1, cached=1)


def test_another_run_finds_the_answer(answers: Answers) -> None:
    asyncio.run(Recorded(ScriptedAnswers(), answers, MODEL).complete(request()))
    silent = ScriptedAnswers({})

    kept = asyncio.run(Recorded(silent, answers, MODEL).complete(request()))

    assert kept.text == "ok"
    assert silent.asked == []


def test_a_kept_answer_that_is_of_no_use_is_replaced_by_the_new_one(tmp_path: Path) -> None:
    """An earlier version kept it, which took more for a judge's verdict, say."""
    verdict = ScriptedAnswers({"": "a verdict"})
    silent = ScriptedAnswers({})

    def asked(engine: ScriptedAnswers) -> str:
        with Answers.open(tmp_path / "answers.db") as answers:
            recorded = Recorded(engine, answers, MODEL)
            usable = recorded.complete(request(), usable=lambda answer: answer.text != "garbage")
            return asyncio.run(usable).text

    with Answers.open(tmp_path / "answers.db") as answers:
        asyncio.run(Recorded(ScriptedAnswers({"": "garbage"}), answers, MODEL).complete(request()))

    assert [asked(verdict), asked(silent)] == ["a verdict", "a verdict"]
    assert (len(verdict.asked), len(silent.asked)) == (1, 0)


@pytest.mark.parametrize("other", [request("Hello!"), request(sample=1)])
def test_another_request_or_another_sample_is_another_question(
    answers: Answers, other: Request
) -> None:
    engine = ScriptedAnswers()
    recorded = Recorded(engine, answers, MODEL)

    async def both() -> None:
        await recorded.complete(request())
        await recorded.complete(other)

    asyncio.run(both())

    assert len(engine.asked) == 2


def test_another_model_is_asked_anew(answers: Answers) -> None:
    engine = ScriptedAnswers()

    for model in ("a model", "another model"):
        asyncio.run(Recorded(engine, answers, digest_of(model)).complete(request()))

    assert len(engine.asked) == 2


def endpoint(told: str, answers: Mapping[str, str] | None = None) -> ScriptedAnswers:
    """An engine that has to be asked for its build."""
    return ScriptedAnswers(answers or {"": told}, build=None, told=told)


def test_another_build_of_the_engine_is_asked_anew(answers: Answers) -> None:
    texts = []
    for build in ("engine 1", "engine 2", "engine 1"):
        recorded = Recorded(ScriptedAnswers({"": build}, build=build), answers, MODEL)
        texts.append(asyncio.run(recorded.complete(request())).text)
        assert recorded.build == build

    assert texts == ["engine 1", "engine 2", "engine 1"]


def test_an_endpoint_is_not_asked_for_its_build_while_all_is_kept(answers: Answers) -> None:
    asyncio.run(Recorded(endpoint("server 1"), answers, MODEL).complete(request()))
    answers.commit()
    later = endpoint("server 2")
    recorded = Recorded(later, answers, MODEL)

    kept = asyncio.run(recorded.complete(request()))

    assert (kept.text, recorded.build) == ("server 1", "server 1")
    assert (later.build, later.asked) == (None, [])


def test_an_endpoint_of_the_same_build_answers_what_is_lacking(answers: Answers) -> None:
    asyncio.run(Recorded(endpoint("server 1"), answers, MODEL).complete(request("a")))
    answers.commit()
    recorded = Recorded(endpoint("server 1"), answers, MODEL)

    async def both() -> None:
        await recorded.complete(request("a"))
        await recorded.complete(request("b"))

    asyncio.run(both())

    assert recorded.calls == Calls(made=1, cached=1)


def test_an_endpoint_is_asked_for_its_build_once(answers: Answers) -> None:
    engine = ScriptedAnswers(build=None, delay_s=0.01)
    recorded = Recorded(engine, answers, MODEL)

    async def many() -> None:
        await asyncio.gather(*(recorded.complete(request(str(n % 5))) for n in range(20)))

    asyncio.run(many())

    assert engine.times_told == 1
    assert len(engine.asked) == 5


def test_an_endpoint_that_does_not_tell_its_build_is_asked_for_it_again(answers: Answers) -> None:
    engine = ScriptedAnswers(build=None, told=None, delay_s=0.01)
    recorded = Recorded(engine, answers, MODEL)

    async def together() -> list[Completion | BaseException]:
        asked = [recorded.complete(request(text)) for text in "ab"]
        return await asyncio.gather(*asked, return_exceptions=True)

    failed = asyncio.run(together())
    engine.told = "server 1"

    assert [type(one) for one in failed] == [EngineUnavailable] * 2
    assert asyncio.run(recorded.complete(request("a"))).text == "ok"
    assert engine.times_told == 2


def test_answers_of_two_builds_are_never_taken_together(answers: Answers) -> None:
    asyncio.run(Recorded(endpoint("server 1"), answers, MODEL).complete(request("a")))
    answers.commit()
    recorded = Recorded(endpoint("server 2"), answers, MODEL)

    async def both() -> None:
        await recorded.complete(request("a"))
        await recorded.complete(request("b"))

    with pytest.raises(BuildMoved):
        asyncio.run(both())
    again = asyncio.run(recorded.complete(request("a")))

    assert (again.text, recorded.build) == ("server 2", "server 2")
    assert recorded.calls == Calls(made=1)


def test_equal_requests_in_flight_are_asked_once(answers: Answers) -> None:
    engine = ScriptedAnswers(delay_s=0.01)
    recorded = Recorded(engine, answers, MODEL)

    async def many() -> list[Completion]:
        return await asyncio.gather(*(recorded.complete(request()) for _ in range(10)))

    answered = asyncio.run(many())

    assert {answer.text for answer in answered} == {"ok"}
    assert sorted(answer.cached for answer in answered) == [False] + [True] * 9
    assert len(engine.asked) == 1
    assert recorded.calls == Calls(made=1, cached=9)


def test_a_failure_reaches_everybody_who_waits_and_is_not_kept(answers: Answers) -> None:
    engine = ScriptedAnswers({}, delay_s=0.01)
    recorded = Recorded(engine, answers, MODEL)

    async def many() -> list[Completion | BaseException]:
        asked = [recorded.complete(request()) for _ in range(3)]
        return await asyncio.gather(*asked, return_exceptions=True)

    assert all(isinstance(answer, EngineUnavailable) for answer in asyncio.run(many()))
    engine.answers = {"": "back"}
    assert asyncio.run(recorded.complete(request())).text == "back"


def test_when_the_first_of_those_who_wait_is_cancelled_the_next_asks(answers: Answers) -> None:
    engine = ScriptedAnswers(delay_s=0.02)
    recorded = Recorded(engine, answers, MODEL)

    async def cancelled() -> Completion:
        first = asyncio.create_task(recorded.complete(request()))
        second = asyncio.create_task(recorded.complete(request()))
        await asyncio.sleep(0.005)
        first.cancel()
        return await second

    assert asyncio.run(cancelled()).text == "ok"
    assert len(engine.asked) == 2


def test_calls_are_the_requests_that_were_sent(answers: Answers) -> None:
    answer = Completion(text="ok", requests=3)
    recorded = Recorded(ScriptedAnswers({"Hello": answer}), answers, MODEL)

    asyncio.run(recorded.complete(request()))
    with pytest.raises(EngineUnavailable):
        asyncio.run(recorded.complete(request("Good night")))

    assert recorded.calls == Calls(made=4)


def test_an_answer_is_committed_soon_without_more_answers_coming(tmp_path: Path) -> None:
    path = tmp_path / "answers.db"

    async def one() -> Completion | None:
        with Answers.open(path) as writer, Answers.open(path) as reader:
            recorded = Recorded(ScriptedAnswers(), writer, MODEL)
            await recorded.complete(request())
            await asyncio.sleep(0.2)
            silent = Recorded(ScriptedAnswers({}), reader, MODEL)
            return await silent.complete(request())

    assert asyncio.run(one()) is not None


def test_an_answer_that_cannot_be_committed_is_told_at_the_next_commit(answers: Answers) -> None:
    recorded = Recorded(ScriptedAnswers(), answers, MODEL)

    async def one() -> None:
        await recorded.complete(request())
        answers._database.connection.execute("PRAGMA query_only = ON")  # as a full disk would
        await asyncio.sleep(0.1)

    asyncio.run(one())

    with pytest.raises(DatabaseError, match="readonly"):
        answers.commit()
    answers._database.connection.execute("PRAGMA query_only = OFF")
    answers.commit()


ASKING = """
import asyncio, sys
from pathlib import Path
from tetrad.canonical import digest_of
from tetrad.evals import Recorded
from tetrad.answers import Answers
from tetrad.results.exchange import Completion, Message, Request

class Slow:
    name, build, concurrency, native_tools = "slow", "memory 1", 8, True

    async def complete(self, request):
        with open(sys.argv[2], "a") as log:
            log.write(request.messages[-1].content + "\\n")
        await asyncio.sleep(float(sys.argv[3]))
        return Completion(text="ok")

async def main():
    with Answers.open(Path(sys.argv[1])) as answers:
        recorded = Recorded(Slow(), answers, digest_of("a model"))
        requests = [Request(messages=(Message(role="user", content=str(n)),)) for n in range(20)]
        answered = await asyncio.gather(*map(recorded.complete, requests))
        await asyncio.sleep(0.1)
        print(len(answered), recorded.calls.made)

asyncio.run(main())
"""


def asking(tmp_path: Path, *, each_s: float) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", ASKING, str(tmp_path / "answers.db"), str(tmp_path / "log")]
    return subprocess.Popen([*command, str(each_s)], text=True, stdout=subprocess.PIPE)


def test_processes_that_ask_the_same_at_once_ask_it_once(tmp_path: Path) -> None:
    processes = [asking(tmp_path, each_s=1.0) for _ in range(3)]
    told = [process.communicate(timeout=120)[0].split() for process in processes]

    assert [answers for answers, _ in told] == ["20"] * 3
    assert sum(int(made) for _, made in told) == 20
    assert len((tmp_path / "log").read_text().split()) == 20


def test_what_a_killed_process_was_asking_is_asked_by_the_one_that_waits(tmp_path: Path) -> None:
    stuck = asking(tmp_path, each_s=3600)
    while not (tmp_path / "log").exists() or len((tmp_path / "log").read_text().split()) < 20:
        assert stuck.poll() is None
        time.sleep(0.01)
    waiting = asking(tmp_path, each_s=0.0)
    stuck.send_signal(signal.SIGKILL)
    stuck.communicate()

    answered, made = waiting.communicate(timeout=120)[0].split()

    assert (answered, made) == ("20", "20")
