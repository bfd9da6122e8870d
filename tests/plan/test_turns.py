"""Cases with earlier turns, on both trees."""

from __future__ import annotations

from dataclasses import replace

from policy.factory import case, suite
from runtime.factory import prompt, stack

from tetrad.model import ChatInput, History, Turn
from tetrad.plan.posing import posed

CHAT = ChatInput(input="message", history=History(max_tokens=100))
TURNS = (Turn(role="user", content="Hello"), Turn(role="assistant", content="Hi"))


def test_a_stack_that_takes_no_turns_cannot_be_asked_a_case_that_has_some() -> None:
    plain = replace(case("plain"), vars={"message": "And?"})
    chat = replace(case("chat"), vars={"message": "And?"}, turns=TURNS)
    there, here = stack(prompt()), stack(prompt(chat=CHAT))

    found = posed(suite([plain, chat]), there, here, {})

    assert [one.id for one in found.suite.golden.cases] == ["plain"]
    assert found.unfit == {"chat": "prompts/sort takes no earlier turns: it has no `chat:`"}


def test_a_stack_that_takes_turns_is_asked_with_them() -> None:
    chat = replace(case("chat"), vars={"message": "And?"}, turns=TURNS)
    of = stack(prompt(chat=CHAT))

    found = posed(suite([chat]), of, of, {})

    assert [one.turns for one in found.suite.golden.cases] == [TURNS]
    assert found.edited == {}
