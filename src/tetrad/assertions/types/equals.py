"""`equals`: the answer is the text, or as JSON the value.

Texts are compared in the form NFC, so that the way an accent was typed makes no difference; what
else cannot be seen is named where it makes one.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice

from tetrad.assertions.answered import Answered
from tetrad.assertions.assertion_type import Literally, PureAssertion
from tetrad.assertions.json_values import Difference, differences, is_same
from tetrad.assertions.lookalikes import equal, explained
from tetrad.assertions.score import Score, binary
from tetrad.assertions.values import as_text, is_object, shown
from tetrad.canonical import Json
from tetrad.model import Assertion
from tetrad.text import composed
from tetrad.yamldoc.jsontext import strict_decoder

_TOLD = 3  # places at which JSON differs


def _problem(value: Json, _: Assertion) -> str | None:
    return "needs a `value`" if value is None else None


def _is_met(wanted: str, answer: str) -> bool:
    return composed(wanted) == composed(answer)


def _grade(value: Json, _: Assertion, answered: Answered) -> Score:
    if not is_object(value):
        same = _is_met(as_text(value), answered.text)
        said = f"{'equals' if same else 'does not equal'} {shown(value)}"
        return explained(same, said, [as_text(value)], answered.text, equal)
    written = shown(json.dumps(value, ensure_ascii=False, default=dict))
    try:
        found = strict_decoder().decode(answered.text)
    except (ValueError, RecursionError):
        return binary(False, f"does not equal {written}: is not JSON")
    value, found = _composed(value), _composed(found)
    if is_same(value, found):
        return binary(True, f"equals {written}")
    return binary(False, f"does not equal {written}: {_told(differences(value, found))}")


def _told(found: Iterator[Difference]) -> str:
    """The first few differences, and how many more there are."""
    first = list(islice(found, _TOLD))
    more = sum(1 for _ in found)
    told = [f"{d.place} is {d.after}, not {d.before}" for d in first]
    return "; ".join(told + ([f"and {more:,} more"] if more else []))


def _composed(value: Json) -> Json:
    """A JSON value with its texts in the form NFC."""
    if isinstance(value, str):
        return composed(value)
    if isinstance(value, Mapping):
        return {composed(key): _composed(item) for key, item in value.items()}
    return [_composed(item) for item in value] if isinstance(value, Sequence) else value


EQUALS = PureAssertion(
    name="equals",
    value="text, number; mapping or list",
    passes_if="the answer is that text; or, parsed as JSON, that value",
    problem=_problem,
    compares_text=True,
    literally=Literally(is_met=_is_met, is_whole=True),
    grade=_grade,
)
