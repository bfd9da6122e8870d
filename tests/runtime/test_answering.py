"""How a stack answers: prepared without the engine, answered, guarded, never an exception a case."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from fakes import ScriptedAnswers, WordEmbedder
from runtime.factory import corpus_in, example, prompt, retrieval, runtime, stack, variable

from tetrad.canonical import Json
from tetrad.errors import BadRequest, ToolFailed
from tetrad.model import Generation, Guardrails, Output
from tetrad.results.exchange import Choice, Completion, JsonOutput, ToolCall
from tetrad.results.trace import Called, Generated, Guarded, Retrieved, Trace
from tetrad.runtime.answering import Given, Runtime
from tetrad.runtime.fixed_answers import TOO_LONG, WITHHELD

HANDBOOK = {
    "leave.md": "Everybody has 25 days of leave a year.",
    "pay.md": "Salaries are paid on the last working day of a month.",
    "keys.md": "Lost keys cost 35 euros.",
}
ASK = prompt(("user", "{% for p in passages %}{{ p.text }}\n{% endfor %}{{ message }}"))


class NoTools:
    async def call(self, call: ToolCall) -> Called:
        raise ToolFailed(f"no tool {call.name}")


def answer(running: Runtime, sample: int = 0, **given: Json) -> Trace:
    return asyncio.run(running.answer(given, toolbox=NoTools(), sample=sample))


def test_an_answer_comes_with_every_step(tmp_path: Path) -> None:
    engine = ScriptedAnswers(answers={"": " billing \n"})
    running = runtime(stack(generation=Generation(max_tokens=8)), tmp_path, engine=engine)

    trace = answer(running, message="I paid twice")

    (step,) = trace.steps
    assert isinstance(step, Generated)
    assert step.request == engine.asked[0]
    assert step.request.generation == Generation(max_tokens=8)
    assert (trace.output, trace.error, trace.vars) == ("billing", None, {"message": "I paid twice"})


def test_what_is_prepared_is_what_is_asked_and_the_engine_is_not_needed(tmp_path: Path) -> None:
    engine = ScriptedAnswers()
    running = runtime(stack(), tmp_path, engine=engine)

    prepared = running.prepare({"message": "a"})
    assert engine.asked == []

    asyncio.run(running.answer_prepared(prepared, toolbox=NoTools(), sample=2))
    assert engine.asked[0].messages == prepared.request.messages  # type: ignore[union-attr]
    assert engine.asked[0].sample == 2


def test_a_request_that_does_not_fit_is_refused_alone(tmp_path: Path) -> None:
    running = runtime(stack(), tmp_path)

    good, bad = running.prepare_many([Given(vars={"message": "a"}), Given(vars={})])

    assert good.problem is None
    assert bad.request is None
    assert "message: is required" in str(bad.problem)
    with pytest.raises(BadRequest, match="message: is required"):
        running.prepare({})
    with pytest.raises(BadRequest):
        answer(running)
    trace = asyncio.run(running.answer_prepared(bad, toolbox=NoTools()))
    assert (trace.output, trace.error) == ("", bad.problem)


def test_values_that_a_template_cannot_take_are_told_with_the_message(tmp_path: Path) -> None:
    running = runtime(stack(prompt(("system", "Hi"), ("user", "{{ mesage }}"))), tmp_path)

    with pytest.raises(BadRequest) as caught:
        running.prepare({"message": "a"})

    assert str(caught.value) == ("prompts/sort: messages[1]: 'mesage' is not given; given: message")


def test_an_engine_that_fails_ends_in_the_trace(tmp_path: Path) -> None:
    running = runtime(stack(), tmp_path, engine=ScriptedAnswers(answers={}))

    trace = answer(running, message="a")

    assert trace.output == ""
    assert trace.error == "no answer to 'a'"


def test_a_bug_is_not_taken_for_a_failing_engine(tmp_path: Path) -> None:
    class Buggy(ScriptedAnswers):
        def _answer(self, asked: str) -> Completion:
            raise ZeroDivisionError

    running = runtime(stack(), tmp_path, engine=Buggy())

    with pytest.raises(ZeroDivisionError):
        answer(running, message="a")


def test_passages_reach_the_prompt_and_the_trace(tmp_path: Path) -> None:
    of = stack(ASK, retrieval=retrieval(corpus_in(tmp_path, HANDBOOK), top_k=1))
    running = runtime(of, tmp_path)

    trace = answer(running, message="how many days of leave?")

    found, asked = trace.steps
    assert isinstance(found, Retrieved)
    assert isinstance(asked, Generated)
    assert [p.document for p in trace.passages] == ["leave.md"]
    assert asked.request.messages[0].content == (
        "Everybody has 25 days of leave a year.\nhow many days of leave?"
    )


def test_where_no_passage_is_similar_enough_the_model_is_not_asked(tmp_path: Path) -> None:
    engine = ScriptedAnswers()
    corpus = corpus_in(tmp_path, HANDBOOK)
    of = stack(ASK, retrieval=retrieval(corpus, min_similarity=0.6))
    running = runtime(of, tmp_path, engine=engine)

    trace = answer(running, message="volcano eruptions")

    (found,) = trace.steps
    assert isinstance(found, Retrieved)
    assert not found.answerable
    assert found.passages
    assert trace.output == "This is not in the handbook."
    assert engine.asked == []
    assert answer(running, message="lost keys cost").output == "ok"


def test_many_requests_are_embedded_together(tmp_path: Path) -> None:
    calls: list[int] = []

    class Counting(WordEmbedder):
        def embed(self, texts):  # type: ignore[no-untyped-def]
            calls.append(len(texts))
            return super().embed(texts)

    of = stack(ASK, retrieval=retrieval(corpus_in(tmp_path, HANDBOOK)))
    running = runtime(of, tmp_path, embedder=Counting())
    calls.clear()

    prepared = running.prepare_many([Given(vars={"message": f"question {n}"}) for n in range(20)])

    assert calls == [20]
    assert [p.passages for p in prepared] == [
        running.prepare({"message": f"question {n}"}).passages for n in range(20)
    ]


def test_the_most_similar_example_stands_last(tmp_path: Path) -> None:
    shots = [
        example("returns", message="send the parcel back"),
        example("billing", message="pay the bill twice"),
        example("delivery", message="where is the parcel now"),
    ]
    running = runtime(stack(prompt(examples=shots, nearest=2)), tmp_path)

    prepared = running.prepare({"message": "where is the parcel"})

    assert [m.content for m in prepared.request.messages] == [  # type: ignore[union-attr]
        "send the parcel back", "returns", "where is the parcel now", "delivery",
        "where is the parcel",
    ]  # fmt: skip


def test_of_equally_similar_examples_the_first_are_taken(tmp_path: Path) -> None:
    shots = [example(str(n), message="same words") for n in range(5)]
    running = runtime(stack(prompt(examples=shots, nearest=2)), tmp_path)

    prepared = running.prepare({"message": "same words"})

    outputs = [m.content for m in prepared.request.messages if m.role == "assistant"]  # type: ignore[union-attr]
    assert outputs == ["1", "0"]


@pytest.mark.parametrize("given", [[], [{"message": "far too long a text"}]])
def test_where_no_request_is_left_to_render_nothing_is_embedded(
    tmp_path: Path, given: list[dict[str, str]]
) -> None:
    shots = [example("billing", message="pay the bill twice")]
    limited = Guardrails(max_input_chars=5)
    of = replace(stack(prompt(examples=shots, nearest=1)), guardrails=limited)
    running = runtime(of, tmp_path)

    prepared = running.prepare_many([Given(vars=one) for one in given])

    assert [one.answer for one in prepared] == [TOO_LONG] * len(given)


def test_a_choice_among_no_examples_is_none(tmp_path: Path) -> None:
    running = runtime(stack(prompt(examples=[], nearest=2)), tmp_path)

    prepared = running.prepare({"message": "a"})

    assert len(prepared.request.messages) == 1  # type: ignore[union-attr]


def test_a_request_over_the_stacks_limit_is_answered_without_the_model(tmp_path: Path) -> None:
    engine = ScriptedAnswers()
    declared = [variable("message"), variable("tone", required=False, default="kind")]
    of = stack(prompt(variables=declared), guardrails=Guardrails(max_input_chars=10))
    running = runtime(of, tmp_path, engine=engine)

    trace = answer(running, message="1234567")

    assert trace.output == TOO_LONG
    assert trace.steps == (
        Guarded(
            rule="max_input_chars", detail="the request has 11 characters; 10 are allowed"
        ),
    )  # fmt: skip
    assert engine.asked == []
    assert answer(running, message="123456").output == "ok"


def test_personal_data_in_an_answer_is_withheld_and_not_repeated(tmp_path: Path) -> None:
    engine = ScriptedAnswers(answers={"": "Write to anna@example.org, card 4111111111111111"})
    of = stack(guardrails=Guardrails(block_pii_in_output=True))

    trace = answer(runtime(of, tmp_path, engine=engine), message="a")

    assert trace.output == WITHHELD
    assert trace.steps[-1] == Guarded(
        rule="block_pii_in_output", detail="the answer contained: mail address, card number"
    )


CONTRACTS: list[tuple[Output, str, str | None, str]] = [
    (Output(enum=("a", "b")), " a\n", None, ""),
    (Output(enum=("a", "b")), "A", "output.enum", "'A' is none of the labels; 'a' is, which differs by case"),
    (Output(enum=("a", "b")), "c", "output.enum", "'c' is none of the labels"),
    (Output(format="json"), '{"x": 1}', None, ""),
    (Output(format="json"), "{x: 1}", "output.json", "the answer is not JSON: "),
    (Output(format="json"), "NaN", "output.json", "the answer is not JSON: NaN is not JSON"),
    (Output(format="json", schema={"properties": {"x": {"pattern": "^x"}}}), '{"x": "\\ud800"}', "output.json", "the answer is not JSON: "),
    (Output(format="json", schema={"type": "object"}), "[]", "output.schema", "$: "),
    (Output(format="json", schema={"properties": {"x": {"format": "date"}}}), '{"x": "soon"}', "output.schema", "$.x: "),
    (Output(format="json", schema={"properties": {"x": {"maximum": 5}}}), f'{{"x": {"3" * 6_000}}}', "output.schema", "$.x: "),
    (Output(format="json", schema={"properties": {"x": {"type": "string"}}}), '{"x": 1}', "output.schema", "$.x: "),
]  # fmt: skip


@pytest.mark.parametrize(("output", "said", "rule", "detail"), CONTRACTS)
def test_an_answer_that_breaks_the_contract_is_said_and_not_mended(
    tmp_path: Path, output: Output, said: str, rule: str | None, detail: str
) -> None:
    engine = ScriptedAnswers(answers={"": said})

    trace = answer(runtime(stack(prompt(output=output)), tmp_path, engine=engine), message="x")

    guards = [step for step in trace.steps if isinstance(step, Guarded)]
    assert trace.output == said.strip()
    assert [guard.rule for guard in guards] == ([rule] if rule else [])
    assert all(guard.detail.startswith(detail) for guard in guards)


def test_the_engine_is_bound_to_the_contract(tmp_path: Path) -> None:
    labels = runtime(stack(prompt(output=Output(enum=("a", "b")))), tmp_path)
    schema = runtime(
        stack(prompt(output=Output(format="json", schema={"type": "object"}))), tmp_path
    )

    request = labels.prepare({"message": "x"}).request
    assert request is not None
    assert request.constraint == Choice(labels=("a", "b"))
    request = schema.prepare({"message": "x"}).request
    assert request is not None
    assert request.constraint == JsonOutput(schema={"type": "object"})


def test_names_that_only_assertions_read_do_not_disturb(tmp_path: Path) -> None:
    running = runtime(stack(), tmp_path)

    assert answer(running, message="a", expected="b").output == "ok"
    assert running.unknown({"message": "a", "expected": "b"}) == ("expected",)


def test_the_answer_is_known_to_be_kept_where_the_engine_says_so(tmp_path: Path) -> None:
    engine = ScriptedAnswers(answers={"": Completion(text="ok", cached=True)})

    trace = answer(runtime(stack(), tmp_path, engine=engine), message="a")

    assert [step.cached for step in trace.generated] == [True]
