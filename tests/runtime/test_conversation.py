from __future__ import annotations

import pytest
from runtime.factory import example, prompt, variable

from tetrad.canonical import Json
from tetrad.errors import SpecError
from tetrad.runtime.conversation import Conversation

SORT = (("system", "Sort messages.\n"), ("user", "Message: {{ message }}\nQueue:"))
SHOTS = [example("billing", message="pay"), example("returns", message="back")]


def shown(
    conversation: Conversation, message: str, chosen: tuple[int, ...] | None = None
) -> list[str]:
    return [
        f"{m.role}: {m.content}"
        for m in conversation.messages({"message": message}, chosen)
    ]  # fmt: skip


def test_a_chat_shows_examples_as_turns_before_the_last_user_message() -> None:
    conversation = Conversation(prompt(*SORT, examples=SHOTS))

    assert shown(conversation, "where") == [
        "system: Sort messages.",
        "user: Message: pay\nQueue:",
        "assistant: billing",
        "user: Message: back\nQueue:",
        "assistant: returns",
        "user: Message: where\nQueue:",
    ]


def test_only_the_chosen_examples_are_shown_in_the_order_chosen() -> None:
    conversation = Conversation(prompt(*SORT, examples=SHOTS))

    assert shown(conversation, "where", (1, 0))[1:5:2] == [
        "user: Message: back\nQueue:",
        "user: Message: pay\nQueue:",
    ]
    assert len(shown(conversation, "where", ())) == 2


def test_a_completion_is_one_text_whose_examples_end_as_the_answer_will() -> None:
    conversation = Conversation(prompt(*SORT, style="completion", examples=SHOTS))

    joined = "\n\n".join(m.content for m in conversation.messages({"message": "where"}))

    assert joined == (
        "Sort messages.\n\nMessage: pay\nQueue: billing\n\nMessage: back\nQueue: returns\n\n"
        "Message: where\nQueue:"
    )


def test_a_completion_whose_text_ends_with_a_newline_is_answered_on_the_next_line() -> None:
    conversation = Conversation(
        prompt(("user", "<m>{{ message }}</m>\n"), style="completion", examples=SHOTS[:1])
    )

    joined = "\n\n".join(m.content for m in conversation.messages({"message": "where"}))

    assert joined == "<m>pay</m>\nbilling\n\n<m>where</m>\n"


def test_turns_before_and_after_the_last_user_message_keep_their_place() -> None:
    conversation = Conversation(
        prompt(
            ("user", "Hello"),
            ("assistant", "Yes?"),
            ("user", "{{ message }}"),
            ("assistant", "Queue:"),
            examples=SHOTS[:1],
        )
    )

    assert shown(conversation, "where") == [
        "user: Hello", "assistant: Yes?", "user: pay", "assistant: billing", "user: where",
        "assistant: Queue:",
    ]  # fmt: skip


def test_an_example_brings_the_passages_that_it_answers_from() -> None:
    conversation = Conversation(
        prompt(
            ("user", "{% for p in passages %}{{ p.text }} {% endfor %}{{ message }}"),
            examples=[example("25", message="how long?", passages=[{"text": "25 days."}])],
        ),
        filled=["passages"],
    )

    messages = conversation.messages({"message": "when?", "passages": [{"text": "May."}]})

    assert [m.content for m in messages] == ["25 days. how long?", "25", "May. when?"]


def test_every_example_that_cannot_be_rendered_is_told_with_its_place() -> None:
    broken = [example("a"), example("b", message=1), example("c", message="fine")]

    with pytest.raises(SpecError) as caught:
        Conversation(prompt(examples=broken))

    assert len(caught.value.issues) == 2
    assert "prompts/sort.yaml:3:5" in str(caught.value)
    assert "message: is required and not given" in str(caught.value)


def test_every_broken_template_is_told_with_its_place() -> None:
    with pytest.raises(SpecError) as caught:
        Conversation(prompt(("system", "{{ x"), ("user", "{{ f() }}")))

    assert [(i.code, i.path) for i in caught.value.issues] == [
        ("TPL201", "$.messages[0].content"),
        ("TPL204", "$.messages[1].content"),
    ]


def test_optional_variables_of_an_example_have_their_defaults() -> None:
    declared = [variable("message"), variable("tone", required=False, default="kind")]
    conversation = Conversation(
        prompt(("user", "{{ tone }}: {{ message }}"), variables=declared, examples=SHOTS[:1])
    )

    assert conversation.messages({"message": "x", "tone": "y"})[0].content == "kind: pay"


def test_what_no_digest_sees_changes_no_text() -> None:
    """Examples and defaults that differ in the order of keys, or in 1 and 1.0, have one identity."""
    told = []
    orders: tuple[Json, ...] = (
        {"b": 1, "a": {"d": 2, "c": 3}},
        {"a": {"c": 3.0, "d": 2}, "b": 1.0},
    )
    for order in orders:
        conversation = Conversation(
            prompt(
                ("user", "{{ order }} {{ style }}"),
                variables=[
                    variable("order", type="object"),
                    variable("style", type="object", required=False, default=order),
                ],
                examples=[example("ok", order=order)],
            )
        )
        messages = conversation.messages({"order": 1, "style": 2})
        told.append([message.content for message in messages])

    assert told[0] == told[1]
    assert told[0][0] == '{"a": {"c": 3, "d": 2}, "b": 1} {"a": {"c": 3, "d": 2}, "b": 1}'
