"""Assertions on the characters of an answer: equals, the contains family, starts-with, regex.

All but regex compare in the form NFC, so that the way an accent was typed makes no difference; what
else cannot be seen is named where it makes one.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from typing import TypeAlias

from tetrad.assertions.json_values import Difference, differences, is_same
from tetrad.assertions.lookalikes import Find, anywhere, at_start, equal, unseen_difference
from tetrad.assertions.value_checks import pattern_of
from tetrad.assertions.values import (
    as_text,
    as_texts,
    is_object,
    shown,
)
from tetrad.assertions.verdict import Answered, Decided, Verdict, binary
from tetrad.canonical import Json
from tetrad.errors import JudgeFailed
from tetrad.model import Assertion
from tetrad.text import composed
from tetrad.yamldoc.jsontext import strict_decoder

# A pattern can backtrack for ever on a text that a model was talked into.
REGEX_TIMEOUT_S = 1.0
_TOLD = 3  # places at which JSON differs

_Fold: TypeAlias = Callable[[str], str]


def equals(value: Json, _: Assertion, answered: Answered) -> Verdict:
    """The same characters; or, for a mapping or list, the answer parsed as JSON is the same value."""
    if not is_object(value):
        same = composed(as_text(value)) == composed(answered.text)
        said = f"{'equals' if same else 'does not equal'} {shown(value)}"
        return _explained(same, said, [as_text(value)], answered.text, equal)
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


def contains(value: Json, _: Assertion, answered: Answered) -> Verdict:
    return _found(as_text(value), answered.text, str)


def icontains(value: Json, _: Assertion, answered: Answered) -> Verdict:
    return _found(as_text(value), answered.text, str.lower)


def starts_with(value: Json, _: Assertion, answered: Answered) -> Verdict:
    starts = composed(answered.text).startswith(composed(as_text(value)))
    said = f"{'starts' if starts else 'does not start'} with {shown(value)}"
    return _explained(starts, said, [as_text(value)], answered.text, at_start)


def contains_all(value: Json, _: Assertion, answered: Answered) -> Verdict:
    return _all_found(as_texts(value), answered.text, str)


def icontains_all(value: Json, _: Assertion, answered: Answered) -> Verdict:
    return _all_found(as_texts(value), answered.text, str.lower)


def contains_any(value: Json, _: Assertion, answered: Answered) -> Verdict:
    return _any_found(as_texts(value), answered.text, str)


def icontains_any(value: Json, _: Assertion, answered: Answered) -> Verdict:
    return _any_found(as_texts(value), answered.text, str.lower)


def regex(value: Json, _: Assertion, answered: Answered) -> Verdict:
    """The pattern matches somewhere in the answer; one that takes too long decides nothing."""
    try:
        # Keeping the interpreter's lock: getting it back costs more than a search.
        matches = pattern_of(as_text(value)).search(
            answered.text, timeout=REGEX_TIMEOUT_S, concurrent=False
        )
    except TimeoutError as error:
        raise JudgeFailed(
            f"the pattern {shown(value)} was still searching after {REGEX_TIMEOUT_S:g} s\n"
            "  help: nested repetitions such as (a+)+ backtrack; write it without them"
        ) from error
    except MemoryError as error:
        raise JudgeFailed(
            f"the pattern {shown(value)} needs more memory than it may have\n"
            "  help: a group that calls itself, such as (?R), can do so for ever; write it without"
        ) from error
    return binary(
        matches is not None,
        f"{'matches' if matches else 'does not match'} the pattern {shown(value)}",
    )


def _found(value: str, text: str, fold: _Fold) -> Verdict:
    found = _is_in(value, text, fold)
    said = f"{'contains' if found else 'does not contain'} {shown(value)}"
    return _explained(found, said, [fold(value)], fold(text), anywhere)


def _all_found(values: Sequence[str], text: str, fold: _Fold) -> Verdict:
    missing = [value for value in values if not _is_in(value, text, fold)]
    if missing:
        said = f"does not contain {', '.join(map(shown, missing))}"
        return _explained(False, said, list(map(fold, missing)), fold(text), anywhere)
    return binary(True, f"contains {', '.join(map(shown, values))}")


def _any_found(values: Sequence[str], text: str, fold: _Fold) -> Verdict:
    found = next((value for value in values if _is_in(value, text, fold)), None)
    if found is None:
        said = f"contains none of {', '.join(map(shown, values))}"
        return _explained(False, said, list(map(fold, values)), fold(text), anywhere)
    return binary(True, f"contains {shown(found)}")


def _is_in(value: str, text: str, fold: _Fold) -> bool:
    return composed(fold(value)) in composed(fold(text))


def _explained(passed: bool, said: str, wanted: Sequence[str], text: str, find: Find) -> Verdict:
    """The verdict, and for the first text that only seems to be there, what cannot be seen."""
    if not passed:
        whole = composed(text)
        why = next(filter(None, (unseen_difference(composed(w), whole, find) for w in wanted)), "")
        said = f"{said}: {why}" if why else said
    return binary(passed, said)


def _composed(value: Json) -> Json:
    """A JSON value with its texts in the form NFC."""
    if isinstance(value, str):
        return composed(value)
    if isinstance(value, Mapping):
        return {composed(key): _composed(item) for key, item in value.items()}
    return [_composed(item) for item in value] if isinstance(value, Sequence) else value


EQUALS = Decided(evaluate=equals)
CONTAINS = Decided(evaluate=contains)
ICONTAINS = Decided(evaluate=icontains)
CONTAINS_ALL = Decided(evaluate=contains_all)
CONTAINS_ANY = Decided(evaluate=contains_any)
ICONTAINS_ALL = Decided(evaluate=icontains_all)
ICONTAINS_ANY = Decided(evaluate=icontains_any)
STARTS_WITH = Decided(evaluate=starts_with)
REGEX = Decided(evaluate=regex)
