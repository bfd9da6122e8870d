"""The assertion that is a program: python, an expression, a function's body or a file's function.

As promptfoo has it: `output` and `context` are given, and a boolean, a number or a mapping with
`pass`, `score` and `reason` comes back.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from tetrad.assertions.jsons import strict_decoder
from tetrad.assertions.verdict import (
    Answered,
    Asked,
    Services,
    Verdict,
    binary,
    reaches,
)
from tetrad.canonical import Json
from tetrad.errors import JudgeFailed
from tetrad.model import Assertion
from tetrad.text import shorten

_FUNCTION = "get_assert"


async def python(
    value: Json, assertion: Assertion, answered: Answered, services: Services
) -> Verdict:
    """What the code says of the answer; code that dies or runs out of its limits decides nothing."""
    context: Mapping[str, Json] = {
        "vars": answered.vars,
        "config": assertion.config,
        "metadata": {
            "passages": [
                {"document": p.document, "text": p.text, "score": p.score}
                for p in answered.passages
            ],
            "tool_calls": [
                {"name": c.call.name, "arguments": c.call.arguments} for c in answered.called
            ],
        },
    }
    said = await services.run_python(str(value), _FUNCTION, answered.text, context)
    return _verdict(said, assertion.threshold)


def _verdict(said: Json, threshold: float | None) -> Verdict:
    if isinstance(said, str):
        said = _read(said)
    if isinstance(said, bool):
        return binary(said, f"the code returned {said}")
    if isinstance(said, int | float):
        passed = said > 0 if threshold is None else reaches(said, threshold)
        return Verdict(passed, min(1.0, max(0.0, float(said))), f"the code returned {said:g}")
    if isinstance(said, Mapping):
        return _graded(said, threshold)
    raise JudgeFailed(
        f"the code returned {shorten(json.dumps(said, default=list), 80)}\n"
        "  help: return a boolean, a number, or {'pass': …, 'score': …, 'reason': …}"
    )


def _graded(said: Mapping[str, Json], threshold: float | None) -> Verdict:
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
    words = shorten(reason, 300) if isinstance(reason, str) else f"the code returned {passed}"
    if threshold is not None and not reaches(score, threshold):
        passed, words = False, f"score {score:g} < {threshold:g}: {words}"
    return Verdict(passed, min(1.0, max(0.0, float(score))), words)


def _read(said: str) -> Json:
    """Text that stands for a value: promptfoo takes "true", "0.5" and a JSON object for one."""
    try:
        text = said.lower() if said.lower() in {"true", "false"} else said
        value: Json = strict_decoder().decode(text)
    except (ValueError, RecursionError):
        return None
    return value


PYTHON = Asked(evaluate=python, keeps_score=True)
