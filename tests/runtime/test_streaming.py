"""A stack's answers as they come, and who watches them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from fakes import ScriptedAnswers
from hypothesis import given
from hypothesis import strategies as st
from runtime.factory import ORDER_STATUS, corpus_in, prompt, retrieval, runtime, stack

from tetrad.engines.interfaces import Pieces
from tetrad.errors import BadRequest, EngineUnavailable, ToolFailed
from tetrad.model import Guardrails, Output, Stack
from tetrad.results.exchange import Completion, Request, ToolCall
from tetrad.results.trace import Called, Generated, Retrieved, Trace
from tetrad.runtime.answering import Runtime
from tetrad.runtime.fixed_answers import TOO_LONG, WITHHELD
from tetrad.runtime.observing import (
    UNOBSERVED,
    Begun,
    Calling,
    Ended,
    Generating,
    Guarding,
    Observer,
    Rendering,
    Retrieving,
)


class Tools:
    """Knows every order."""

    async def call(self, call: ToolCall) -> Called:
        if call.name != "order_status":
            raise ToolFailed(f"no tool {call.name}")
        return Called(call=call, result="shipped")


@dataclass
class Spelled(ScriptedAnswers):
    """An engine whose answers come in the pieces that it is given; None breaks off."""

    pieces: tuple[str | None, ...] = ()
    went_away: bool = False

    async def stream(self, request: Request) -> Pieces:
        self.asked.append(request)
        try:
            for piece in self.pieces:
                if piece is None:
                    raise EngineUnavailable("the server broke off")
                yield piece
        except GeneratorExit:
            self.went_away = True
            raise
        yield Completion(text="".join(piece or "" for piece in self.pieces))


@dataclass
class Diary:
    """An Observer that writes down what it sees."""

    lines: list[tuple[str, Begun | Ended | BaseException | None]] = field(default_factory=list)

    def begin(self, step: Begun) -> Page:
        self.lines.append(("begin", step))
        return Page(self)

    @property
    def kinds(self) -> list[str]:
        return [f"{what} {type(value).__name__}" for what, value in self.lines]


@dataclass
class Page:
    """One step of it."""

    diary: Diary

    def first_token(self) -> None:
        self.diary.lines.append(("first token", None))

    def end(self, outcome: Ended) -> None:
        self.diary.lines.append(("end", outcome))

    def fail(self, error: BaseException) -> None:
        self.diary.lines.append(("fail", error))


def streamed(
    running: Runtime, message: str = "Where is it?", observer: Observer = UNOBSERVED
) -> tuple[list[str], Trace]:
    async def ask() -> list[str | Trace]:
        pieces = running.stream({"message": message}, toolbox=Tools(), observer=observer)
        return [piece async for piece in pieces]

    *pieces, trace = asyncio.run(ask())
    assert isinstance(trace, Trace)
    return [str(piece) for piece in pieces], trace


def answered(running: Runtime, message: str = "Where is it?") -> Trace:
    return asyncio.run(running.answer({"message": message}, toolbox=Tools()))


CALL = Completion(
    text="One moment.",
    tool_calls=(ToolCall(id="c1", name="order_status", arguments={"order_id": "A-1"}),),
    finish_reason="tool_calls",
)
WITH_TOOL: dict[str, str | Completion] = {"shipped": "It is on its way.", "": CALL}
STACKS: dict[str, tuple[Stack, ScriptedAnswers, bool]] = {
    "plain": (stack(), ScriptedAnswers({"": "\n It is on its way. \n"}), True),
    "nothing": (stack(), ScriptedAnswers({"": " \n "}), False),
    "a label": (
        stack(prompt(output=Output(enum=("late", "lost")))),
        ScriptedAnswers({"": "It is late"}),
        False,
    ),
    "JSON": (
        stack(prompt(output=Output(format="json"))),
        ScriptedAnswers({"": '{"a": 1, "b": 2}'}),
        False,
    ),
    "guarded": (
        stack(guardrails=Guardrails(block_pii_in_output=True)),
        ScriptedAnswers({"": "Ask anna@example.com for it"}),
        False,
    ),
    "too long": (stack(guardrails=Guardrails(max_input_chars=3)), ScriptedAnswers(), False),
    "tools": (stack(tools=[ORDER_STATUS]), ScriptedAnswers(WITH_TOOL), False),
    "described tools": (
        stack(tools=[ORDER_STATUS]),
        ScriptedAnswers({"": '{"answer": "It is on its way"}'}, native_tools=False),
        False,
    ),
}


@pytest.mark.parametrize(("of", "engine", "live"), STACKS.values(), ids=STACKS)
def test_the_pieces_are_the_answer_that_is_given_whole(
    of: Stack, engine: ScriptedAnswers, live: bool, tmp_path: Path
) -> None:
    running = runtime(of, tmp_path, engine=engine)

    pieces, trace = streamed(running)

    assert trace == answered(running)
    assert "".join(pieces) == trace.output
    assert (len(pieces) > 1) is live
    assert all(pieces)


def test_what_guardrails_withhold_is_never_given(tmp_path: Path) -> None:
    of, engine, _ = STACKS["guarded"]
    assert streamed(runtime(of, tmp_path, engine=engine))[0] == [WITHHELD]

    of, engine, _ = STACKS["too long"]
    assert streamed(runtime(of, tmp_path, engine=engine))[0] == [TOO_LONG]
    assert engine.asked == []


@given(st.lists(st.text(st.characters() | st.sampled_from(" \n"), max_size=4), max_size=6))
def test_however_an_answer_is_cut_its_pieces_are_it(
    tmp_path_factory: pytest.TempPathFactory, pieces: list[str]
) -> None:
    engine = Spelled(answers={"": "".join(pieces)}, pieces=tuple(pieces))
    running = runtime(stack(), tmp_path_factory.getbasetemp(), engine=engine)

    got, trace = streamed(running)

    assert "".join(got) == trace.output == answered(running).output


def test_an_answer_that_breaks_off_ends_in_an_error(tmp_path: Path) -> None:
    engine = Spelled(pieces=("It is ", "on its ", None))

    pieces, trace = streamed(runtime(stack(), tmp_path, engine=engine))

    assert pieces == ["It is", " on its"]
    assert (trace.output, trace.error) == ("", "the server broke off")


def test_variables_that_do_not_fit_are_refused_before_anything_is_given(tmp_path: Path) -> None:
    async def ask() -> AsyncIterator[str | Trace]:
        return [one async for one in runtime(stack(), tmp_path).stream({}, toolbox=Tools())]  # type: ignore[return-value]

    with pytest.raises(BadRequest, match="message: is required"):
        asyncio.run(ask())


def test_closing_a_stream_cancels_the_work_and_the_observer_hears_of_it(tmp_path: Path) -> None:
    engine, diary = Spelled(pieces=("It ", "is ", "late")), Diary()
    running = runtime(stack(), tmp_path, engine=engine)

    async def ask() -> None:
        pieces = running.stream({"message": "a"}, toolbox=Tools(), observer=diary)
        async with aclosing(pieces):
            assert await anext(pieces) == "It"

    asyncio.run(ask())

    assert engine.went_away
    assert diary.kinds[-1] == "fail GeneratorExit"


# -- who watches


def test_an_observer_sees_each_step_begin_and_end(tmp_path: Path) -> None:
    corpus = corpus_in(tmp_path, {"orders.md": "An order takes three days."})
    of = stack(
        prompt(("user", "{% for p in passages %}{{ p.text }}\n{% endfor %}{{ message }}")),
        retrieval=retrieval(corpus),
        tools=[ORDER_STATUS],
        guardrails=Guardrails(max_input_chars=100, block_pii_in_output=True),
    )
    diary = Diary()

    _, trace = streamed(runtime(of, tmp_path, engine=ScriptedAnswers(WITH_TOOL)), observer=diary)

    assert diary.kinds == [
        "begin Guarding",
        "end tuple",
        "begin Retrieving",
        "end Retrieved",
        "begin Rendering",
        "end Request",
        "begin Generating",
        "end Generated",
        "begin Calling",
        "end Called",
        "begin Generating",
        "end Generated",
        "begin Guarding",
        "end tuple",
    ]
    told = [value for what, value in diary.lines if what == "end"]
    assert [one for one in told if isinstance(one, Retrieved | Generated | Called)] == list(
        trace.steps
    )
    begun = [value for what, value in diary.lines if what == "begin"]
    assert begun[0] == Guarding(rule="max_input_chars", where="input")
    assert begun[1] == Retrieving(corpus=corpus.ref, query="Where is it?", top_k=2)
    assert begun[2] == Rendering(prompt=of.prompt.ref)
    assert [one.step for one in begun if isinstance(one, Generating)] == [1, 2]
    assert Calling(call=CALL.tool_calls[0]) in begun


def test_of_a_streamed_answer_the_first_token_is_told(tmp_path: Path) -> None:
    diary = Diary()

    streamed(runtime(stack(), tmp_path, engine=Spelled(pieces=("It ", "is"))), observer=diary)

    assert diary.kinds[2:] == ["begin Generating", "first token NoneType", "end Generated"]


def test_a_step_that_fails_is_told(tmp_path: Path) -> None:
    diary = Diary()
    call = replace(CALL, tool_calls=(replace(CALL.tool_calls[0], name="unknown"),))
    engine = ScriptedAnswers({"": call})

    streamed(runtime(stack(tools=[ORDER_STATUS]), tmp_path, engine=engine), observer=diary)

    assert diary.kinds[-2:] == ["begin Calling", "fail ToolFailed"]
