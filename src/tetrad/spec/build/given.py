"""What the cases of a golden set give as variables, held against what their prompts declare.

A value that a prompt does not take leaves its case without a result on every model, so it is told
before anything is asked.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from tetrad.canonical import Json
from tetrad.errors import Issue
from tetrad.spec.assertions.needs import CODE
from tetrad.spec.golden import GoldenFile
from tetrad.spec.model import Case, Stack, Variable
from tetrad.spec.variables import is_of_type, text_of
from tetrad.spec.violations import TYPE_NAMES

_MENDED = {
    "string": "write a text in quotes",
    "number": "write a number without quotes",
    "integer": "write a whole number without quotes",
    "boolean": "write true or false, without quotes",
    "array": "write a list: [a, b]",
    "object": "write its keys, indented, below it",
}


class _Misfit(NamedTuple):
    """Why a value is not taken, and what it is one of: such are told once."""

    message: str
    hint: str
    one_of: str


def issues_of_values(loaded: GoldenFile, stacks: Sequence[Stack]) -> Iterator[Issue]:
    """The values that a stack of the suite does not take; of a column of CSV the first."""
    told: set[tuple[str, str]] = set()
    for stack in stacks:
        for case in loaded.golden.cases:
            for name, value in case.vars.items():
                misfit = _misfit(stack, case, name, value)
                if misfit is not None and (misfit.one_of, name) not in told:
                    told.add((misfit.one_of, name))
                    location = loaded.places[case.id](("vars", name))
                    yield Issue(
                        location=location, code=CODE, message=misfit.message, hint=misfit.hint
                    )


def _misfit(stack: Stack, case: Case, name: str, value: Json) -> _Misfit | None:
    if stack.retrieval is not None and stack.retrieval.into == name:
        message = f"{stack.ref} fills the variable {name!r} itself, with what it retrieves"
        return _Misfit(message, "leave it out", case.id)
    variable = stack.prompt.variables.get(name)
    if variable is None:
        return None
    file = variable.location.file
    if not is_of_type(variable, value):
        message = (
            f"the variable {name!r} is {TYPE_NAMES[variable.type]}, and this is {_said(value)}"
        )
        if not case.location.file.endswith(".csv"):
            return _Misfit(message, _mended(variable, value), case.id)
        hint = f"write the cases as YAML or JSON Lines, or declare type: string in {file}"
        return _Misfit(f"{message}, as every cell of CSV", hint, case.location.file)
    if variable.max_chars is not None and len(text_of(value)) > variable.max_chars:
        message = f"the variable {name!r} takes at most {variable.max_chars:,} characters"
        return _Misfit(message, f"shorten it, or raise max_chars in {file}", case.id)
    return None


def _said(value: Json) -> str:
    """What a value is, in words that fit others of its type as well."""
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    if isinstance(value, float):
        return "a number with a fraction"
    return TYPE_NAMES[_type_of(value)]


def _type_of(value: Json) -> str:
    """The type by which a variable would take a value that is not null."""
    match value:
        case bool():
            return "boolean"
        case int() | float():
            return "integer" if isinstance(value, int) else "number"
        case str():
            return "string"
        case Mapping():
            return "object"
    return "array"


def _mended(variable: Variable, value: Json) -> str:
    if value is None:
        return _MENDED[variable.type] if variable.required else "leave it out"
    declared = f"declare type: {_type_of(value)} in {variable.location.file}"
    return f"{_MENDED[variable.type]}, or {declared}"
