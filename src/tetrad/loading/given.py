"""What cases and examples give as variables, held against what their prompts declare.

A value that a prompt does not take leaves its case without a result on every model, so it is told
before anything is asked.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from tetrad.canonical import Json
from tetrad.errors import Issue
from tetrad.golden import GoldenFile
from tetrad.model import Case, Example, Prompt, Stack
from tetrad.model.variables import is_of_type, misfit_of
from tetrad.schemas.nearest import nearest

INVALID_VARIABLE = "GLD996"  # the rule that reports it


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
                        location=location,
                        code=INVALID_VARIABLE,
                        message=misfit.message,
                        hint=misfit.hint,
                        blocks="judge",
                    )


def _misfit(stack: Stack, case: Case, name: str, value: Json) -> _Misfit | None:
    if stack.retrieval is not None and stack.retrieval.into == name:
        message = f"{stack.ref} fills the variable {name!r} itself, with what it retrieves"
        return _Misfit(message, "leave it out", case.id)
    variable = stack.prompt.variables.get(name)
    if variable is None:
        return None
    misfit = misfit_of(variable, value)
    if misfit is None:
        return None
    message, hint = misfit
    if not case.location.file.endswith(".csv") or is_of_type(variable, value):
        return _Misfit(message, hint, case.id)
    declare = f"declare type: string in {variable.location.file}"
    hint = f"write the cases as YAML or JSON Lines, or {declare}"
    return _Misfit(f"{message}, as every cell of CSV", hint, case.location.file)


def issues_of_examples(prompt: Prompt, filled: str | None) -> Iterator[Issue]:
    """What examples lack of a request, or give otherwise; `filled` is what the stack retrieves."""
    for example in prompt.examples:
        for name, variable in prompt.variables.items():
            if name == filled:
                continue
            if name in example.vars:
                told = misfit_of(variable, example.vars[name])
            else:
                told = _lack(prompt, example, name) if variable.required else None
            if told is not None:
                yield Issue(location=example.location, message=told[0], hint=told[1])


def _lack(prompt: Prompt, example: Example, name: str) -> tuple[str, str]:
    near = nearest(name, [given for given in example.vars if given not in prompt.variables])
    hint = f"rename {near!r} to it" if near else "give it: an example's vars are those of a request"
    return f"this example gives no {name!r}, which {prompt.ref} requires", hint
