"""The `contains` family: a text, all of several or any of them are in the answer.

Texts are compared in the form NFC; with an `i` before the name, in lower case.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeAlias

from tetrad.assertions.answered import Answered
from tetrad.assertions.assertion_type import Cell, Literally, PureAssertion
from tetrad.assertions.forms import text_problem, texts_problem
from tetrad.assertions.lookalikes import anywhere, explained
from tetrad.assertions.score import Score, binary
from tetrad.assertions.values import as_text, as_texts, shown
from tetrad.canonical import Json
from tetrad.model import Assertion
from tetrad.text import composed

_Fold: TypeAlias = Callable[[str], str]


def _is_in(wanted: str, text: str, *, fold: _Fold) -> bool:
    return composed(fold(wanted)) in composed(fold(text))


def _one(value: Json, _: Assertion, answered: Answered, *, fold: _Fold) -> Score:
    wanted, text = as_text(value), answered.text
    found = _is_in(wanted, text, fold=fold)
    said = f"{'contains' if found else 'does not contain'} {shown(wanted)}"
    return explained(found, said, [fold(wanted)], fold(text), anywhere)


def _all(value: Json, _: Assertion, answered: Answered, *, fold: _Fold) -> Score:
    wanted, text = as_texts(value), answered.text
    missing = [each for each in wanted if not _is_in(each, text, fold=fold)]
    if not missing:
        return binary(True, f"contains {_listed(wanted)}")
    return _not_found(f"does not contain {_listed(missing)}", missing, text, fold)


def _any(value: Json, _: Assertion, answered: Answered, *, fold: _Fold) -> Score:
    wanted, text = as_texts(value), answered.text
    found = next((each for each in wanted if _is_in(each, text, fold=fold)), None)
    if found is not None:
        return binary(True, f"contains {shown(found)}")
    return _not_found(f"contains none of {_listed(wanted)}", wanted, text, fold)


def _not_found(said: str, wanted: Sequence[str], text: str, fold: _Fold) -> Score:
    return explained(False, said, list(map(fold, wanted)), fold(text), anywhere)


def _listed(texts: Sequence[str]) -> str:
    return ", ".join(map(shown, texts))


def _of_one(name: str, passes_if: str, fold: _Fold) -> PureAssertion:  # pragma: no mutate block
    return PureAssertion(
        name=name,
        value="text",
        passes_if=passes_if,
        problem=text_problem,
        compares_text=True,
        literally=Literally(is_met=partial(_is_in, fold=fold)),
        grade=partial(_one, fold=fold),
    )


def _of_several(
    name: str, passes_if: str, grade: Callable[..., Score], fold: _Fold
) -> PureAssertion:  # pragma: no mutate block
    return PureAssertion(
        name=name,
        value="list, or `a, b`",
        passes_if=passes_if,
        problem=texts_problem,
        compares_text=True,
        cell=Cell(is_list=True),
        grade=partial(grade, fold=fold),
    )


CONTAINS = _of_one("contains", "it is in the answer", str)
ICONTAINS = _of_one("icontains", "it is in the answer, ignoring case", str.lower)
CONTAINS_ALL = _of_several("contains-all", "all of them are", _all, str)
CONTAINS_ANY = _of_several("contains-any", "one of them is", _any, str)
ICONTAINS_ALL = _of_several("icontains-all", "all of them are, ignoring case", _all, str.lower)
ICONTAINS_ANY = _of_several("icontains-any", "one of them is, ignoring case", _any, str.lower)
