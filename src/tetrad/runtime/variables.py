"""What a request brings, held against what its prompt declares."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from tetrad.canonical import Json, as_digested
from tetrad.errors import BadRequest
from tetrad.model import Prompt, Variable
from tetrad.model.variables import TOO_DEEP, is_of_type, text_of
from tetrad.schemas.nearest import nearest

_WORDS = {"string": "a text", "integer": "an integer", "array": "an array", "object": "an object"}


class Variables:
    """The variables of a prompt, as a request may give them.

    `filled` are those that the runtime fills itself. Names that the prompt does not declare are
    left out, not refused: a golden set's cases carry what only their assertions read.
    """

    def __init__(self, prompt: Prompt, *, filled: Collection[str] = ()) -> None:
        self._prompt = prompt
        self._declared = tuple(v for v in prompt.variables.values() if v.name not in filled)
        self._filled = frozenset(filled)

    def values(self, given: Mapping[str, Json]) -> dict[str, Json]:
        """What templates see of a request; BadRequest with everything that does not fit."""
        values: dict[str, Json] = {}
        problems: list[str] = []
        for variable in self._declared:
            name = variable.name
            if name in given:
                problems.extend(problems_of(variable, given[name]))
                values[name] = _told(given[name])
            elif variable.required:
                problems.append(self._missing(name, given))
            else:
                values[name] = _told(variable.default)
        problems.extend(
            f"{name}: is filled by the stack itself; leave it out"
            for name in self._filled & given.keys()
        )
        if problems:
            raise BadRequest(
                "\n".join(
                    [f"the request does not fit {self._prompt.ref}", *(f"  {p}" for p in problems)]
                )
            )
        return values

    def unknown(self, given: Mapping[str, Json]) -> tuple[str, ...]:
        """The given names that the prompt does not declare."""
        return tuple(
            name
            for name in given
            if name not in self._prompt.variables and name not in self._filled
        )

    def _missing(self, name: str, given: Mapping[str, Json]) -> str:
        near = nearest(name, [other for other in given if other not in self._prompt.variables])
        hint = f"; {near!r} is given, which the prompt does not declare" if near else ""
        return f"{name}: is required and not given{hint}"


def problems_of(variable: Variable, value: Json) -> Iterator[str]:
    """Why a value is none for a variable."""
    if not is_of_type(variable, value):
        wanted = _WORDS.get(variable.type, f"a {variable.type}")
        yield f"{variable.name}: is {wanted}, and {_short(value)} was given"
        return
    text = text_of(value)
    if not text.isascii() and not _is_unicode(text):
        yield f"{variable.name}: holds half a surrogate pair, which no UTF-8 text can"
    if variable.max_chars is not None and len(text) > variable.max_chars:
        yield f"{variable.name}: has {len(text):,} characters; max_chars is {variable.max_chars:,}"


def _told(value: Json) -> Json:
    try:
        told: Json = as_digested(value)
    except RecursionError as error:
        raise BadRequest(TOO_DEEP) from error
    return told


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _short(value: Json) -> str:
    text = text_of(value)
    return text if len(text) <= 40 else f"{text[:39]}…"
