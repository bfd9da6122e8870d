"""Assertions that exclude each other: no answer can meet the cases that make both."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import NamedTuple, TypeAlias

from tetrad.assertions.assertion_type import Literally
from tetrad.assertions.table import TYPES
from tetrad.model import Assertion, AssertionSet, Case

_ENCODER = json.JSONEncoder(sort_keys=True)  # `json.dumps` would make one at each call


Said: TypeAlias = "str | tuple[str, str]"


class _Claim(NamedTuple):
    """An assertion that has to pass, in the order in which they were made."""

    order: int
    case: Case
    item: Assertion


class Claims:
    """What cases with the same variables ask of one answer.

    Equal assertions count once, so that many cases alike are not compared each with each.
    """

    def __init__(self) -> None:
        self._made = 0
        self._by_key: dict[tuple[bool, Said], _Claim] = {}
        self._exact: list[_Claim] = []  # answers that are asked for word by word
        self._literal: list[_Claim] = []  # those, and parts of answers
        self._compared: dict[
            tuple[bool, Said], int
        ] = {}  # how many of the other kind agree, by key

    def contradicted_by(self, case: Case) -> tuple[Case, str] | None:
        """The first case, perhaps this one, that no answer can meet together with it, and why.

        What this case asks for counts from now on.
        """
        found: list[tuple[_Claim, Assertion]] = []
        for item in _required(case):
            said = _said(item)
            claim = self._excluding(item, said)
            if claim is not None:
                found.append((claim, item))
            self._add(case, item, said)
        if not found:
            return None
        claim, item = min(found, key=lambda pair: pair[0].order)
        return claim.case, _reason(claim.item, item)

    def _add(self, case: Case, item: Assertion, said: Said) -> None:
        self._made += 1
        key = item.negated, said
        if key in self._by_key:
            return
        claim = self._by_key[key] = _Claim(self._made, case, item)
        if _literally(item) is not None:
            self._literal.append(claim)
            if is_exact(item):
                self._exact.append(claim)

    def _excluding(self, item: Assertion, said: Said) -> _Claim | None:
        """The first claim that cannot be met together with an assertion."""
        opposite = self._by_key.get((not item.negated, said))
        apart = self._apart(item, said) if _literally(item) is not None else None
        found = [claim for claim in (opposite, apart) if claim is not None]
        return min(found, default=None, key=lambda claim: claim.order)

    def _apart(self, item: Assertion, said: Said) -> _Claim | None:
        """The first claim on a literal text that excludes another."""
        key = item.negated, said
        others = self._literal if is_exact(item) else self._exact
        for number in range(self._compared.get(key, 0), len(others)):
            if _differ(others[number].item, item):
                self._compared[key] = number
                return others[number]
        self._compared[key] = len(others)
        return None


def _required(case: Case) -> Iterator[Assertion]:
    """The assertions that have to pass each by itself, of the answer as it came."""
    if case.threshold is not None or case.transform:
        return
    for item in case.assertions:
        if isinstance(item, AssertionSet):
            if item.threshold is None:
                yield from (inner for inner in item.assertions if not inner.transform)
        elif not item.transform:
            yield item


def _said(item: Assertion) -> Said:
    """What an assertion says, whether it is negated or not."""
    if isinstance(item.value, str) and item.threshold is None and not item.config:
        return item.type, item.value
    return _ENCODER.encode([item.type, item.value, item.threshold, item.config])


def is_exact(item: Assertion) -> bool:
    """Whether one text, which is known, is the only answer that passes."""
    literal = _literally(item)
    return literal is not None and literal.is_whole and not item.negated


def _literally(item: Assertion) -> Literally | None:
    """How an answer is held against the value, where that is a text that is known."""
    is_known = isinstance(item.value, str) and "{{" not in item.value
    type_ = TYPES.get(item.type) if is_known else None
    return None if type_ is None else type_.literally


def _differ(first: Assertion, second: Assertion) -> bool:
    """Whether no answer meets two literal texts of which one is the whole answer."""
    exact, other = (first, second) if is_exact(first) else (second, first)
    literal = _literally(other)
    return literal is not None and (
        literal.is_met(str(other.value), str(exact.value)) == other.negated
    )


def _reason(first: Assertion, second: Assertion) -> str:
    if _said(first) == _said(second):
        return f"{first.written} and {second.written} of the same value"
    exact, other = (first, second) if is_exact(first) else (second, first)
    return f"equals {exact.value!r} and {other.written} {other.value!r}"
