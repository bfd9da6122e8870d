"""Assertions on the characters of an answer: equals, the contains family, starts-with, regex."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from itertools import islice

from tetrad.assertions.json_values import Difference, differences, is_same
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

# A pattern can backtrack for ever on a text that a model was talked into.
REGEX_TIMEOUT_S = 1.0
_TOLD = 3  # places at which JSON differs


def equals(value: Json, _: Assertion, answered: Answered) -> Verdict:
    """The same characters; or, for a mapping or list, the answer parsed as JSON is the same value."""
    if not is_object(value):
        same = as_text(value) == answered.text
        return binary(same, f"{'equals' if same else 'does not equal'} {shown(value)}")
    written = shown(json.dumps(value, ensure_ascii=False, default=dict))
    try:
        found = json.loads(answered.text)
    except (ValueError, RecursionError):
        return binary(False, f"does not equal {written}: is not JSON")
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
    return _found(as_text(value) in answered.text, value)


def icontains(value: Json, _: Assertion, answered: Answered) -> Verdict:
    return _found(as_text(value).lower() in answered.text.lower(), value)


def starts_with(value: Json, _: Assertion, answered: Answered) -> Verdict:
    starts = answered.text.startswith(as_text(value))
    return binary(starts, f"{'starts' if starts else 'does not start'} with {shown(value)}")


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


def _found(found: bool, value: Json) -> Verdict:
    return binary(found, f"{'contains' if found else 'does not contain'} {shown(value)}")


def _all_found(values: Sequence[str], text: str, fold: Callable[[str], str]) -> Verdict:
    folded = fold(text)
    missing = [value for value in values if fold(value) not in folded]
    if missing:
        return binary(False, f"does not contain {', '.join(map(shown, missing))}")
    return binary(True, f"contains {', '.join(map(shown, values))}")


def _any_found(values: Sequence[str], text: str, fold: Callable[[str], str]) -> Verdict:
    folded = fold(text)
    found = next((value for value in values if fold(value) in folded), None)
    if found is None:
        return binary(False, f"contains none of {', '.join(map(shown, values))}")
    return binary(True, f"contains {shown(found)}")


EQUALS = Decided(evaluate=equals)
CONTAINS = Decided(evaluate=contains)
ICONTAINS = Decided(evaluate=icontains)
CONTAINS_ALL = Decided(evaluate=contains_all)
CONTAINS_ANY = Decided(evaluate=contains_any)
ICONTAINS_ALL = Decided(evaluate=icontains_all)
ICONTAINS_ANY = Decided(evaluate=icontains_any)
STARTS_WITH = Decided(evaluate=starts_with)
REGEX = Decided(evaluate=regex)
