"""Assertions on the steps that led to an answer: what was retrieved, which tools were called."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tetrad.assertions.json_values import is_same
from tetrad.assertions.value_checks import calls_of
from tetrad.assertions.values import as_texts, shown
from tetrad.assertions.verdict import Answered, Decided, Verdict, reaches
from tetrad.canonical import Json
from tetrad.model import Assertion
from tetrad.results.trace import Called


def retrieved(value: Json, assertion: Assertion, answered: Answered) -> Verdict:
    """Every listed document is among the retrieved ones; the score is the share that is.

    With a `threshold`, that share is enough.
    """
    wanted = as_texts(value)
    documents = {passage.document for passage in answered.passages}
    return _share(wanted, [w for w in wanted if w not in documents], assertion, "retrieved")


def tool_called(value: Json, assertion: Assertion, answered: Answered) -> Verdict:
    """Every listed call was made, in any order; the score is the share that was.

    A call is a tool's name, or a mapping with `tool` and `arguments`, of which those that are named
    must be equal and others may be there. A call that a tool refused was made all the same.
    """
    wanted = calls_of(value)
    missing = [w for w in wanted if not any(_is_call(w, called) for called in answered.called)]
    return _share(
        [_written(w) for w in wanted], [_written(w) for w in missing], assertion, "called"
    )


def _share(
    wanted: Sequence[str], missing: Sequence[str], assertion: Assertion, verb: str
) -> Verdict:
    score = (len(wanted) - len(missing)) / len(wanted)
    least = 1.0 if assertion.threshold is None else assertion.threshold
    reason = f"not {verb}: {', '.join(missing)}" if missing else f"{verb}: {', '.join(wanted)}"
    return Verdict(reaches(score, least), score, reason)


def _is_call(wanted: Json, called: Called) -> bool:
    if not isinstance(wanted, Mapping):
        return called.call.name == wanted
    if called.call.name != wanted["tool"]:
        return False
    arguments = wanted.get("arguments", {})
    return isinstance(arguments, Mapping) and all(
        name in called.call.arguments and is_same(expected, called.call.arguments[name])
        for name, expected in arguments.items()
    )


def _written(wanted: Json) -> str:
    if not isinstance(wanted, Mapping):
        return str(wanted)
    arguments = wanted.get("arguments", {})
    if not isinstance(arguments, Mapping):
        return str(wanted["tool"])
    return f"{wanted['tool']}({', '.join(f'{k}={shown(v)}' for k, v in arguments.items())})"


RETRIEVED = Decided(evaluate=retrieved)
TOOL_CALLED = Decided(evaluate=tool_called)
