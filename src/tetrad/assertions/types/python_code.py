"""`python`: a program decides, an expression, a function's body or a file's function.

As promptfoo has it: `output` and `context` are given, and a boolean, a number or a mapping with
`pass`, `score`, `reason` and `namedScores` comes back. `not-` turns the decision, and the score of
a boolean; a number that the code computed stays the score.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from tetrad.assertions.answered import Answered, Services
from tetrad.assertions.assertion_type import ServiceAssertion
from tetrad.assertions.score import Score, binary, negated, reaches
from tetrad.assertions.values import shown
from tetrad.canonical import Json
from tetrad.errors import JudgeFailed
from tetrad.model import Assertion
from tetrad.text import shorten
from tetrad.yamldoc.jsontext import strict_decoder

FUNCTION = "get_assert"  # of a file that is named without one, as in promptfoo


def _problem(value: Json, _: Assertion) -> str | None:
    if not isinstance(value, str) or not value.strip():
        return "needs an expression, a function's body or `file://….py` as `value`"
    return None


def _cannot_fail(assertion: Assertion) -> str | None:
    value = assertion.value
    is_true = isinstance(value, str) and value.strip() in {"True", "1", "1.0"}
    return "its expression is always true" if is_true else None


async def _grade(
    value: Json, assertion: Assertion, answered: Answered, services: Services
) -> Score:
    """What the code says of the answer; code that dies or runs out of its limits decides nothing."""
    said = await services.run_python(
        str(value), FUNCTION, answered.output, context_of(assertion, answered)
    )
    score = _score(said, assertion.threshold, answered.text)
    if not assertion.negated:
        return score
    is_decision = isinstance(_value(said), bool)
    return negated(score) if is_decision else score._replace(passed=not score.passed)


def context_of(assertion: Assertion, answered: Answered) -> Mapping[str, Json]:
    """What code is given beside the output: promptfoo's keys, and in `metadata` the steps."""
    metadata = _metadata(answered)
    return {
        "prompt": _prompt(answered),
        "vars": answered.vars,
        "test": {
            "vars": answered.vars,
            "description": answered.description,
            "metadata": answered.metadata,
        },
        "config": assertion.config,
        "metadata": metadata,
        "providerResponse": _response(answered, metadata),
    }


def _metadata(answered: Answered) -> Mapping[str, Json]:
    return {
        "passages": [
            {"document": p.document, "text": p.text, "score": p.score} for p in answered.passages
        ],
        "tool_calls": [
            {"name": c.call.name, "arguments": c.call.arguments} for c in answered.called
        ],
    }


def _response(answered: Answered, metadata: Mapping[str, Json]) -> Mapping[str, Json]:
    """The answer before any transform, and what of it was measured."""
    seconds, cost = answered.latency_s, answered.cost_usd
    output = answered.text if answered.untransformed is None else answered.untransformed
    measured = {"latencyMs": None if seconds is None else seconds * 1000, "cost": cost}
    known = {name: value for name, value in measured.items() if value is not None}
    return {"output": output, "metadata": metadata, **known}


def _prompt(answered: Answered) -> str:
    """The rendered prompt as promptfoo hands it over: a text, or the JSON of several messages."""
    messages = answered.messages
    if len(messages) == 1:
        return messages[0].content
    return json.dumps(
        [{"role": m.role, "content": m.content} for m in messages], ensure_ascii=False
    )


def _value(said: Json) -> Json:
    return _read(said) if isinstance(said, str) else said


def _score(returned: Json, threshold: float | None, text: str) -> Score:
    said = _value(returned)
    if isinstance(said, bool):
        return binary(said, f"the code returned {said} on {shown(text)}")
    if isinstance(said, int | float):
        passed = said > 0 if threshold is None else reaches(said, threshold)
        return Score(passed, _clipped(said), f"the code returned {said:g} on {shown(text)}")
    if isinstance(said, Mapping):
        return _graded(said, threshold, text)
    raise JudgeFailed(
        f"the code returned {shorten(json.dumps(returned, default=list), 80)}\n"
        "  help: return a boolean, a number, or {'pass': …, 'score': …, 'reason': …}"
    )


def _graded(said: Mapping[str, Json], threshold: float | None, text: str) -> Score:
    passed, score = said.get("pass", said.get("pass_")), said.get("score")
    if (
        not isinstance(passed, bool)
        or isinstance(score, bool)
        or not isinstance(score, int | float)
    ):
        raise JudgeFailed(
            "the code returned a mapping without a boolean `pass` and a number `score`"
        )
    reason = said.get("reason")
    default = f"the code returned {passed} on {shown(text)}"
    words = shorten(reason, 300) if isinstance(reason, str) else default
    if threshold is not None and not reaches(score, threshold):
        passed, words = False, f"score {score:g} < {threshold:g}: {words}"
    return Score(passed, _clipped(score), words, _named(said))


def _named(said: Mapping[str, Json]) -> Mapping[str, float]:
    """The scores by metric that the code returns beside its own."""
    named = said.get("namedScores", said.get("named_scores")) or {}
    scores = named.items() if isinstance(named, Mapping) else [("", None)]
    clipped = {n: _clipped(s) for n, s in scores if isinstance(s, int | float)}
    if len(clipped) < len(scores):
        raise JudgeFailed(
            "the code returned `namedScores` that are not numbers by name\n"
            "  help: return {'pass': …, 'score': …, 'reason': …, 'namedScores': {'NAME': 0.5}}"
        )
    return clipped


def _clipped(score: float) -> float:
    return min(1.0, max(0.0, float(score)))


def _read(said: str) -> Json:
    """Text that stands for a value: promptfoo takes "true", "0.5" and a JSON object for one."""
    try:
        text = said.lower() if said.lower() in {"true", "false"} else said
        value: Json = strict_decoder().decode(text)
    except (ValueError, RecursionError):
        return None
    return value


PYTHON = ServiceAssertion(
    name="python",
    value="expression, function body, or `file://check.py`",
    passes_if=(
        "it returns true, a number above 0, or"
        ' `{"pass": …, "score": …, "reason": …, "namedScores": {…}}`'
    ),
    threshold="of the number",
    problem=_problem,
    cannot_fail=_cannot_fail,
    grade=_grade,
    service="code",
    negates=True,
)
