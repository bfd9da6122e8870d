"""Cases with earlier turns, on both trees."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from policy.factory import case, suite
from runtime.factory import prompt, stack

from tetrad.model import Case, ChatInput, History, Repository, Turn
from tetrad.plan import partners_of, yardstick_changes
from tetrad.plan.posing import posed
from tetrad.trees import WorkingTree

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
    there = stack(prompt(chat=CHAT))

    found = posed(suite([chat]), there, there, {})

    assert [one.turns for one in found.suite.golden.cases] == [TURNS]
    assert found.edited == {}


def of(asked: Case) -> Repository:
    judged = suite([asked])
    return Repository(files=WorkingTree(Path()), suites={judged.ref: judged})


CASE = replace(case("a"), turns=TURNS)


@pytest.mark.parametrize(
    ("after", "kinds"),
    [
        (replace(CASE, turns=TURNS[:1]), ["input"]),
        (replace(CASE, turns=()), ["input"]),
        (replace(CASE, turns=TURNS[:1], vars={"text": "a"}), ["input"]),
        (replace(CASE, turns=TURNS[:1], assertions=()), ["input", "assertions"]),
        (replace(CASE, assertions=()), ["assertions"]),
    ],
)
def test_turns_that_a_change_edits_are_input(after: Case, kinds: list[str]) -> None:
    base, head = of(CASE), of(after)

    found = yardstick_changes(head, base, partners_of(head, base))

    assert [change.kind for change in found] == kinds
