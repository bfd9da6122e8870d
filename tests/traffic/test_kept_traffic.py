"""What is kept of a live answer, and which answers are sampled."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tetrad.canonical import digest_of
from tetrad.results.exchange import Completion, Message, Request, ToolCall, Usage
from tetrad.results.trace import Called, Generated, Guarded, Passage, Retrieved, Trace
from tetrad.traffic import KeptAnswer, feedback_on, is_sampled, kept_answer
from tetrad.traffic.kept_traffic import LARGEST

AT = datetime(2026, 11, 30, 12, tzinfo=UTC)
IDENTITY = digest_of("an identity")


def answer(vars: dict[str, str], output: str) -> Trace:  # noqa: A002
    """An answer with a step of each kind."""
    passage = Passage(
        document="leave.md", chunk=2, text="Call 212-555-0123.", score=0.5, similarity=0.4
    )
    request = Request(messages=(Message(role="user", content=str(vars)),))
    completion = Completion(
        text=output, usage=Usage(input_tokens=9, output_tokens=2), latency_s=0.2
    )
    call = ToolCall(id="1", name="order_status", arguments={"mail": "a@example.org"})
    return Trace(
        vars=vars,
        steps=(
            Retrieved(query=str(vars), passages=(passage,)),
            Generated(request=request, completion=completion),
            Called(call=call, result={"owner": "b@example.org"}),
            Guarded(rule="output.enum", detail="'c@example.org' is none of the labels"),
        ),
        output=output,
    )  # fmt: skip


def kept(trace: Trace) -> KeptAnswer | None:
    return kept_answer(
        trace, id="a1", trace="0af7", at=AT, environment="staging", stack="stacks/a", identity=IDENTITY, sampled=True
    )  # fmt: skip


def test_no_personal_data_is_kept_in_any_step() -> None:
    said = "I am anna@example.com, card 4111 1111 1111 1111."

    found = kept(answer({"message": said}, "Write to help@example.com"))

    assert found is not None
    assert found.answer.vars == {"message": "I am [mail address], card [card number]."}
    assert found.answer.output == "Write to [mail address]"
    for secret in ("@example", "4111", "555"):
        assert secret not in repr(found)


def test_the_steps_are_kept_with_their_figures_but_not_the_prompt() -> None:
    original = answer({"message": "hello"}, "yes")

    found = kept(original)

    assert found is not None
    assert [type(step) for step in found.answer.steps] == [type(step) for step in original.steps]
    assert found.answer.usage == original.usage
    assert found.answer.latency_s == original.latency_s
    assert found.answer.passages[0].document == "leave.md"
    assert found.answer.messages == ()


def test_an_answer_that_is_too_large_is_not_kept() -> None:
    assert kept(answer({"message": "x"}, "y" * LARGEST)) is None


def test_what_users_say_is_redacted() -> None:
    found = kept(answer({"message": "hello"}, "yes"))
    assert found is not None

    said = feedback_on(
        found, at=AT, rating="bad", comment="mail me: a@example.org", correction="b@example.org"
    )

    assert (said.comment, said.correction) == ("mail me: [mail address]", "[mail address]")
    assert (said.trace, said.identity) == ("0af7", IDENTITY)


@pytest.mark.parametrize("share", [0.0, 0.01, 0.25, 1.0])
def test_the_sample_has_its_share_of_the_answers_and_always_the_same(share: float) -> None:
    traces = [f"{i:032x}" for i in range(20_000)]

    drawn = [trace for trace in traces if is_sampled(trace, share)]

    assert abs(len(drawn) / len(traces) - share) < 0.01
    assert drawn == [trace for trace in traces if is_sampled(trace, share)]
