"""`tool-called`: every listed call was made, in any order; the score is the share that was.

A call is a tool's name, or a mapping with `tool` and `arguments`, of which those that are named must
be equal and others may be there. A call that a tool refused was made all the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tetrad.assertions.answered import Answered
from tetrad.assertions.assertion_type import PureAssertion
from tetrad.assertions.json_values import is_same
from tetrad.assertions.score import Score, share
from tetrad.assertions.values import shown
from tetrad.canonical import Json
from tetrad.model import Assertion
from tetrad.results.trace import Called


def calls_of(value: Json) -> Sequence[Json]:
    """The calls that are listed: one, or several."""
    return value if isinstance(value, Sequence) and not isinstance(value, str) else [value]


def _problem(value: Json, _: Assertion) -> str | None:
    calls = calls_of(value)
    if not calls:
        return "needs the name of a tool as `value`"
    for call in calls:
        named = call.get("tool") if isinstance(call, Mapping) else call
        if not isinstance(named, str) or not named:
            return "needs a tool's name, or a mapping with `tool` and `arguments`, as `value`"
        if isinstance(call, Mapping) and not isinstance(call.get("arguments", {}), Mapping):
            return "needs a mapping as `arguments`"
    return None


def _grade(value: Json, assertion: Assertion, answered: Answered) -> Score:
    wanted = calls_of(value)
    missing = [w for w in wanted if not any(_is_call(w, called) for called in answered.called)]
    told, lacking = ([_written(call) for call in calls] for calls in (wanted, missing))
    return share(told, lacking, assertion.threshold, "called")


def _is_call(wanted: Json, called: Called) -> bool:
    if not isinstance(wanted, Mapping):
        return called.call.name == wanted
    return called.call.name == wanted["tool"] and all(
        name in called.call.arguments and is_same(expected, called.call.arguments[name])
        for name, expected in _arguments(wanted).items()
    )


def _arguments(wanted: Mapping[str, Json]) -> Mapping[str, Json]:
    arguments = wanted.get("arguments")
    return arguments if isinstance(arguments, Mapping) else {}


def _written(wanted: Json) -> str:
    if not isinstance(wanted, Mapping):
        return str(wanted)
    arguments = (f"{name}={shown(value)}" for name, value in _arguments(wanted).items())
    return f"{wanted['tool']}({', '.join(arguments)})"


TOOL_CALLED = PureAssertion(
    name="tool-called",
    value="name, `{tool, arguments}`, or a list",
    passes_if=(
        "all were called, in any order, with at least these arguments; the score is the share"
    ),
    threshold="1",
    problem=_problem,
    grade=_grade,
)
