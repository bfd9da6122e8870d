"""What a prompt's `chat:` makes of a conversation."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import pytest
from fakes import ScriptedAnswers
from hypothesis import given
from hypothesis import strategies as st
from runtime.factory import example, prompt, runtime, stack
from runtime.test_streaming import Tools

from tetrad.errors import BadRequest
from tetrad.model import ChatInput, Guardrails, History, Prompt, Turn
from tetrad.runtime.answering import Given
from tetrad.runtime.chat import Histories, asked_in
from tetrad.runtime.fixed_answers import TOO_LONG

CHAT = ChatInput(input="message", history=History(max_tokens=1000))


def turns(*contents: str, first: Literal["user", "assistant"] = "user") -> tuple[Turn, ...]:
    """Turns in which both speak by turns."""
    roles: tuple[Literal["user", "assistant"], ...] = ("user", "assistant")
    start = roles.index(first)
    return tuple(
        Turn(role=roles[(start + n) % 2], content=content) for n, content in enumerate(contents)
    )


def kept(*history: Turn, max_tokens: int = 4, keep: Literal["first", "last"] = "last") -> list[str]:
    """What is kept of turns whose tokens are their words."""
    chat = ChatInput(input="message", history=History(max_tokens=max_tokens, keep=keep))
    histories = Histories(prompt(chat=chat), lambda text: len(text.split()))
    return [turn.content for turn in histories.kept(history)]


def test_the_last_user_turn_is_the_variable_and_the_others_are_history() -> None:
    conversation = turns("Hello", "Hi", "Where is it?")

    assert asked_in(prompt(chat=CHAT), conversation) == (
        {"message": "Where is it?"},
        turns("Hello", "Hi"),
    )


@pytest.mark.parametrize(
    ("of", "conversation", "said"),
    [
        (prompt(), turns("Hello"), "prompts/sort takes no turns: it has no `chat:`"),
        (prompt(chat=CHAT), (), "the last turn is not the user's"),
        (prompt(chat=CHAT), turns("Hello", "Hi"), "the last turn is not the user's"),
    ],
)
def test_a_conversation_that_asks_nothing_is_refused(
    of: Prompt, conversation: tuple[Turn, ...], said: str
) -> None:
    with pytest.raises(BadRequest, match=said):
        asked_in(of, conversation)


@pytest.mark.parametrize(
    ("of", "why"),
    [
        (prompt(), "it has no `chat:`"),
        (prompt(chat=ChatInput(input="message")), "its `chat:` has no `history`"),
        (prompt(chat=CHAT, style="completion"), "`style: completion` is one text without turns"),
    ],
)
def test_earlier_turns_are_refused_where_the_prompt_takes_none(
    of: Prompt, why: str, tmp_path: Path
) -> None:
    running = runtime(stack(of), tmp_path)

    with pytest.raises(BadRequest, match="prompts/sort takes no earlier turns: .*" + why):
        running.prepare({"message": "a"}, history=turns("Hello", "Hi"))
    assert running.prepare({"message": "a"}).request is not None


def test_earlier_turns_stand_between_the_examples_and_what_is_asked(tmp_path: Path) -> None:
    of = prompt(
        ("system", "Be kind."),
        ("user", "<{{ message }}>"),
        examples=[example("late", message="Where?")],
        chat=CHAT,
    )
    engine = ScriptedAnswers()
    running = runtime(stack(of), tmp_path, engine=engine)

    trace = asyncio.run(
        running.answer(
            {"message": "And now?"}, history=turns("Hello {{ message }}\n", "Hi"), toolbox=Tools()
        )
    )

    assert [(m.role, m.content) for m in trace.messages] == [
        ("system", "Be kind."),
        ("user", "<Where?>"),
        ("assistant", "late"),
        ("user", "Hello {{ message }}\n"),
        ("assistant", "Hi"),
        ("user", "<And now?>"),
    ]
    assert trace.history == turns("Hello {{ message }}\n", "Hi")


def test_earlier_turns_count_for_the_input_limit(tmp_path: Path) -> None:
    of = stack(prompt(chat=CHAT), guardrails=Guardrails(max_input_chars=9))
    running = runtime(of, tmp_path)

    assert running.prepare({"message": "1234"}, history=turns("12", "34")).answer is None
    assert running.prepare({"message": "1234"}, history=turns("123", "456")).answer == TOO_LONG


def test_a_conversation_that_is_too_long_is_not_counted(tmp_path: Path) -> None:
    of = stack(prompt(chat=CHAT), guardrails=Guardrails(max_input_chars=50_000))

    def count(text: str) -> int:
        raise AssertionError(f"counted {len(text)} characters")

    running = runtime(of, tmp_path, count=count)

    assert running.prepare({"message": "a"}, history=turns("x" * 60_000)).answer == TOO_LONG


def test_requests_with_other_turns_are_prepared_on_their_own(tmp_path: Path) -> None:
    running = runtime(stack(prompt(chat=CHAT)), tmp_path)

    plain, longer = running.prepare_many(
        [
            Given(vars={"message": "a"}),
            Given(vars={"message": "a"}, history=turns("Hello", "Hi")),
        ]
    )

    assert len(plain.request.messages) == 1  # type: ignore[union-attr]
    assert len(longer.request.messages) == 3  # type: ignore[union-attr]


LONG = turns("one two", "three four", "five", "six seven")


@pytest.mark.parametrize(
    ("history", "limits", "expected"),
    [
        (LONG, {"max_tokens": 100}, ["one two", "three four", "five", "six seven"]),
        (LONG, {"max_tokens": 3}, ["five", "six seven"]),
        # an answer whose question is left out is left out, too
        (LONG, {"max_tokens": 5}, ["five", "six seven"]),
        (LONG, {"max_tokens": 1}, []),
        (LONG, {"max_tokens": 0}, []),
        (LONG, {"max_tokens": 4, "keep": "first"}, ["one two", "three four"]),
        # a question that nobody answered is left out, since the user speaks next
        (LONG, {"max_tokens": 5, "keep": "first"}, ["one two", "three four"]),
        (LONG, {"max_tokens": 1, "keep": "first"}, []),
        # a conversation that the assistant began stays as it was
        (turns("Hello", "Hi", first="assistant"), {"max_tokens": 100}, ["Hello", "Hi"]),
        (turns("a b c d e", "Hi"), {"max_tokens": 4}, []),
    ],
)
def test_history_is_trimmed_in_whole_turns(
    history: tuple[Turn, ...], limits: dict[str, Any], expected: list[str]
) -> None:
    assert kept(*history, **limits) == expected


@given(
    st.lists(st.tuples(st.sampled_from(["user", "assistant"]), st.text(max_size=6)), max_size=8),
    st.integers(0, 30),
    st.sampled_from(["first", "last"]),
)
def test_what_is_kept_is_one_end_and_fits(
    said: list[tuple[Any, str]], max_tokens: int, keep: Literal["first", "last"]
) -> None:
    history = tuple(Turn(role=role, content=content) for role, content in said)
    chat = ChatInput(input="message", history=History(max_tokens=max_tokens, keep=keep))
    found = Histories(prompt(chat=chat), lambda text: len(text.encode())).kept(history)
    end = history[len(history) - len(found) :] if keep == "last" else history[: len(found)]

    assert found == end
    assert sum(len(turn.content.encode()) for turn in found) <= max_tokens


def test_no_tokenizer_is_asked_where_the_bytes_fit() -> None:
    def count(text: str) -> int:
        raise AssertionError(f"counted {text!r}")

    assert Histories(prompt(chat=CHAT), count).kept(turns("Hello", "Hi")) == turns("Hello", "Hi")


def test_half_a_character_of_a_turn_is_replaced() -> None:
    [turn] = Histories(prompt(chat=CHAT), len).kept(turns("a\ud800b"))

    assert turn == replace(turn, content="a\ufffdb")
