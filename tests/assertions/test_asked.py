"""What judges, embedders and code are asked for an assertion, and what comes of their answers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from assertions.test_assertions import Services, judged
from evals.cases import assertion, called, case, passage

from tetrad.assertions.answered import Answered, PythonRaised
from tetrad.assertions.judge_question import marked
from tetrad.assertions.score import Score
from tetrad.assertions.table import QUESTIONS
from tetrad.canonical import Json
from tetrad.errors import JudgeFailed
from tetrad.evals.grading import grade
from tetrad.results.exchange import Message


class Recording(Services):
    """Keeps every question."""

    def __init__(self, said: Any = None, near: tuple[float, ...] = (0.5,)) -> None:
        super().__init__(said, near)
        self.calls: list[tuple[Any, ...]] = []

    async def similarities(self, text: str, others: tuple[str, ...]) -> tuple[float, ...]:
        self.calls.append((text, others))
        return await super().similarities(text, others)

    async def ask_judge(
        self,
        name: str | None,
        question: Mapping[str, str],
        schema: Mapping[str, Json],
        read: Callable[[Mapping[str, Json]], Score],
    ) -> Score:
        self.calls.append((name, question, schema))
        return await super().ask_judge(name, question, schema, read)

    async def run_python(self, code: str, function: str, *arguments: Json) -> Json:
        self.calls.append((code, function, *arguments))
        return await super().run_python(code, function, *arguments)


ANSWERED = Answered(
    text="Two weeks.",
    vars={"question": "How long?"},
    query="how long",
    passages=(passage("a.md", "Two weeks."), passage("b.md", "Or three.")),
)


def test_a_rubric_is_asked_beside_the_answer() -> None:
    services = Recording({"pass": True})

    judged(assertion("llm-rubric", "is short", judge="strict"), ANSWERED, services)

    question = {
        "task": QUESTIONS["llm-rubric"]["task"],
        "rubric": "is short",
        "output": "Two weeks.",
        "text": f"{marked('output', 'Two weeks.')}\n{marked('rubric', 'is short')}",
    }
    assert services.calls == [("strict", question, QUESTIONS["llm-rubric"]["answer"])]


@pytest.mark.parametrize(
    ("given", "context", "query"),
    [
        ({}, "Two weeks.\n\nOr three.", "how long"),
        ({"context": "One week."}, "One week.", "how long"),
        ({"context": ""}, "", "how long"),
        ({"context": 7, "query": "how many?"}, "7", "how many?"),
    ],
)
def test_faithfulness_is_asked_of_the_variable_or_the_passages(
    given: Mapping[str, Json], context: str, query: str
) -> None:
    services = Recording({"claims": []})
    answered = Answered(text="No.", vars=given, query=ANSWERED.query, passages=ANSWERED.passages)

    judged(assertion("context-faithfulness", judge="strict"), answered, services)

    parts = (("query", query), ("context", context), ("answer", "No."))
    question = {
        "task": QUESTIONS["context-faithfulness"]["task"],
        "query": query,
        "context": context,
        "output": "No.",
        "text": "\n".join(marked(*part) for part in parts),
    }
    assert services.calls == [("strict", question, QUESTIONS["context-faithfulness"]["answer"])]


def test_a_mark_encloses_its_text_and_differs_by_it() -> None:
    mark = marked("output", "yes")

    assert mark == "<output-8a798890fe938171>\nyes\n</output-8a798890fe938171>"
    assert marked("output", "yes ").splitlines()[0] != mark.splitlines()[0]
    assert "\ud800" in marked("output", "\ud800")


def test_similar_asks_for_the_answer_and_each_reference() -> None:
    services = Recording(near=(0.1, 0.9))

    judged(assertion("similar", ["two weeks", "14 days"]), ANSWERED, services)

    assert services.calls == [("Two weeks.", ("two weeks", "14 days"))]


def test_code_is_given_the_answer_and_all_that_it_came_from() -> None:
    services = Recording(True)
    answered = Answered(
        text="yes",
        vars={"question": "How long?"},
        messages=(Message(role="user", content="Say ä."),),
        passages=ANSWERED.passages[:1],
        called=(called("refund", {"order": 7}),),
    )
    checked = assertion("python", "file://check.py", config={"most": 3})
    judging = case("a", checked, vars=answered.vars, description="a refund", metadata={"team": "x"})

    asyncio.run(grade(judging, answered, metric="answer", services=services))

    steps = {
        "passages": [{"document": "a.md", "text": "Two weeks.", "score": 0.5}],
        "tool_calls": [{"name": "refund", "arguments": {"order": 7}}],
    }
    context = {
        "prompt": "Say ä.",
        "vars": {"question": "How long?"},
        "test": {
            "vars": {"question": "How long?"},
            "description": "a refund",
            "metadata": {"team": "x"},
        },
        "config": {"most": 3},
        "metadata": steps,
        "providerResponse": {"output": "yes", "metadata": steps},
    }
    assert services.calls == [("file://check.py", "get_assert", "yes", context)]


@pytest.mark.parametrize(
    ("measured", "said"),
    [
        ({"latency_s": 1.5, "cost_usd": 0.25}, {"latencyMs": 1500, "cost": 0.25}),
        ({"latency_s": 0.0}, {"latencyMs": 0}),
        ({}, {}),
    ],
)
def test_code_is_told_what_was_measured(measured: Any, said: Any) -> None:
    services = Recording(True)

    judged(assertion("python", "x"), Answered(text="yes", vars={}, **measured), services)

    response = services.calls[0][3]["providerResponse"]
    assert {key: response[key] for key in response.keys() - {"output", "metadata"}} == said


@pytest.mark.parametrize(
    ("said", "passed", "score"), [(True, False, 0.0), (False, True, 1.0), (0.25, False, 0.25)]
)
def test_a_negated_decision_turns_its_score_and_a_number_stays(
    said: Any, passed: bool, score: float
) -> None:
    found = judged(assertion("not-python", "x"), "text", Services(said))

    assert (found.passed, found.score) == (passed, score)


def test_the_prompt_of_several_messages_is_their_json() -> None:
    services = Recording(True)
    messages = (Message(role="system", content="Be ä."), Message(role="user", content="Hi"))

    judged(
        assertion("python", "True or output"),
        Answered(text="yes", vars={}, messages=messages),
        services,
    )

    assert services.calls[0][3]["prompt"] == (
        '[{"role": "system", "content": "Be ä."}, {"role": "user", "content": "Hi"}]'
    )


def test_a_transform_in_a_file_is_given_the_answer_and_the_variables() -> None:
    services = Recording("made")
    transform = "file://t.py:first"

    judged(assertion("equals", "made", transform=transform), ANSWERED, services)
    judged(assertion("equals", "made", transform="file://t.py"), ANSWERED, services)

    context = {"vars": {"question": "How long?"}, "metadata": {}}
    assert services.calls == [
        (name, "get_transform", "Two weeks.", context) for name in (transform, "file://t.py")
    ]


def test_a_transform_that_raises_is_told_in_its_own_words() -> None:
    services = Services(PythonRaised("KeyError: 'a'"))

    result = judged(assertion("equals", "x", transform="file://t.py"), "text", services)

    assert result.reason == "the transform failed: KeyError: 'a'"


# -- what comes of their answers


LONG = "x" * 400
NOT_BY_NAME = """the code returned `namedScores` that are not numbers by name
  help: return {'pass': …, 'score': …, 'reason': …, 'namedScores': {'NAME': 0.5}}"""
GRADED = "{'pass': …, 'score': …, 'reason': …"


@pytest.mark.parametrize(
    ("type_", "said", "threshold", "reason"),
    [
        ("llm-rubric", {"pass": True, "reason": "good"}, None, "good"),
        ("llm-rubric", {"pass": True}, None, "no reason given"),
        ("llm-rubric", {"pass": True, "reason": 7}, None, "no reason given"),
        ("llm-rubric", {"pass": True, "reason": LONG}, None, f"{LONG[:299]}…"),
        (
            "llm-rubric",
            {"pass": True, "score": 0.7, "reason": "fair"},
            0.8,
            "score 0.70 < 0.8: fair",
        ),
        ("context-faithfulness", {"claims": []}, None, "faithfulness 1.00 ≥ 1"),
        (
            "context-faithfulness",
            {
                "claims": [
                    {"claim": "a", "supported": False},
                    {"claim": "b", "supported": True},
                    {"supported": False},
                    {"claim": "c", "supported": False},
                ]
            },
            None,
            "faithfulness 0.25 < 1; not supported: a; ; c",
        ),
        ("similar", None, None, "similarity 0.50 < 0.75"),
        ("python", True, None, 'the code returned True on "text"'),
        ("python", 0.25, None, 'the code returned 0.25 on "text"'),
        ("python", {"pass": True, "score": 1}, None, 'the code returned True on "text"'),
        ("python", {"pass": True, "score": 1, "reason": "good"}, None, "good"),
        ("python", {"pass": True, "score": 1, "reason": LONG}, None, f"{LONG[:299]}…"),
        (
            "python",
            {"pass": True, "score": 0.5, "reason": "fair"},
            0.8,
            "score 0.5 < 0.8: fair",
        ),
        ("python", "TRUE", None, 'the code returned True on "text"'),
        ("python", '{"pass": true, "score": 1, "reason": "Fair"}', None, "Fair"),
    ],
)
def test_a_reason_repeats_what_was_answered(
    type_: str, said: Any, threshold: float | None, reason: str
) -> None:
    checked = assertion(type_, "value", threshold=threshold)

    assert judged(checked, "text", Services(said)).reason == reason


def test_a_rubric_that_is_met_by_too_little_fails() -> None:
    said = {"pass": True, "score": 0.7}

    found = judged(assertion("llm-rubric", "value", threshold=0.8), "text", Services(said))

    assert (found.passed, found.score) == (False, 0.7)


@pytest.mark.parametrize(
    ("type_", "said", "message"),
    [
        ("llm-rubric", {}, "the judge's answer has no `pass` that is true or false"),
        *(
            (
                "llm-rubric",
                {"pass": True, "score": score},
                f"the judge's score is {written}, not a number from 0 to 1",
            )
            for score, written in ((1.5, "1.5"), (True, "true"), ("x" * 99, f'"{"x" * 38}…'))
        ),
        ("context-faithfulness", {}, "the judge's answer has no list of `claims`"),
        ("context-faithfulness", {"claims": "a"}, "the judge's answer has no list of `claims`"),
        (
            "context-faithfulness",
            {"claims": ["a"]},
            "the judge's answer has a claim without `supported`",
        ),
        (
            "python",
            [1],
            f"the code returned [1]\n  help: return a boolean, a number, or {GRADED}}}",
        ),
        (
            "python",
            ["x" * 99],
            f'the code returned ["{"x" * 77}…\n  help: return a boolean, a number, or {GRADED}}}',
        ),
        *(
            (
                "python",
                said,
                "the code returned a mapping without a boolean `pass` and a number `score`",
            )
            for said in ({"pass": True}, {"pass": 1, "score": 1}, {"pass": True, "score": True})
        ),
        *(
            (
                "python",
                {"pass": True, "score": 1, "namedScores": named},
                NOT_BY_NAME,
            )
            for named in ([0.5], "high", {"tone": "high"}, {"tone": 0.5, "brevity": None})
        ),
    ],
)
def test_an_answer_that_decides_nothing_says_what_it_lacks(
    type_: str, said: Any, message: str
) -> None:
    with pytest.raises(JudgeFailed) as raised:
        judged(assertion(type_, "value"), "text", Services(said))

    assert str(raised.value) == message


@pytest.mark.parametrize("key", ["namedScores", "named_scores"])
def test_scores_that_code_names_count_for_their_metrics(key: str) -> None:
    said = {"pass": True, "score": 0.5, key: {"tone": 0.25, "brevity": 7, "haste": -1}}
    judging = case("a", assertion("python", "value"))

    graded = asyncio.run(
        grade(
            judging,
            Answered(text="text", vars={}),
            metric="answer",
            services=Services(said),
        )
    )

    assert graded.metrics == {"answer": 0.5, "tone": 0.25, "brevity": 1.0, "haste": 0.0}


def test_a_rubric_is_met_without_a_reason_at_its_very_threshold() -> None:
    result = judged(
        assertion("llm-rubric", "v", threshold=0.1),
        "text",
        Services({"pass": True, "score": 1 - 0.9}),
    )

    assert (result.passed, result.reason) == (True, "no reason given")
