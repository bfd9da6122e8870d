"""What cases and examples give as variables and turns, held against what their prompts declare.

What a prompt does not take leaves its case without a result on every model, so it is told
before anything is asked.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from tetrad.canonical import Json
from tetrad.errors import Issue
from tetrad.model import Case, Prompt, Stack
from tetrad.model.variables import misfit_of, missing_in

if TYPE_CHECKING:
    from tetrad.golden import GoldenFile

INVALID_VARIABLE = "GLD996"  # the rule that reports it


class _Refused(NamedTuple):
    """Why a value is not taken, and what it is one of: such are told once."""

    message: str
    hint: str
    one_of: str


def issues_of_values(loaded: GoldenFile, stacks: Sequence[Stack]) -> Iterator[Issue]:
    """The values that a stack of the suite does not take; of a column of CSV the first."""
    told: set[tuple[str, str]] = set()
    for stack in stacks:
        yield from _issues_of_turns(loaded, stack.prompt)
        for case in loaded.golden.cases:
            for name, value in case.vars.items():
                refused = _refused(stack, case, name, value)
                if refused is not None and (refused.one_of, name) not in told:
                    told.add((refused.one_of, name))
                    location = loaded.places[case.id](("vars", name))
                    yield Issue(
                        location=location,
                        code=INVALID_VARIABLE,
                        message=refused.message,
                        hint=refused.hint,
                        blocks="judge",
                    )


def _issues_of_turns(loaded: GoldenFile, prompt: Prompt) -> Iterator[Issue]:
    """Cases with earlier turns of a conversation, on a prompt that takes none."""
    why_not = prompt.why_no_history
    for case in loaded.golden.cases if why_not is not None else ():
        if case.turns:
            yield Issue(
                location=loaded.places[case.id](("turns",)),
                code=INVALID_VARIABLE,
                message=f"{prompt.ref} takes no earlier turns: {why_not}",
                hint="remove turns:, or write `chat: {input: NAME, history: {max_tokens: N}}` there",
                blocks="judge",
            )


def _refused(stack: Stack, case: Case, name: str, value: Json) -> _Refused | None:
    if name in stack.filled:
        message = f"{stack.ref} fills the variable {name!r} itself, with what it retrieves"
        return _Refused(message, "leave it out", case.id)
    variable = stack.prompt.variables.get(name)
    misfit = None if variable is None else misfit_of(variable, value)
    if variable is None or misfit is None:
        return None
    message = f"the variable {name!r} {misfit.message}"
    if misfit.is_of_type or not case.location.file.endswith(".csv"):
        return _Refused(message, misfit.hint, case.id)
    declare = f"declare type: string in {variable.location.file}"
    hint = f"write the cases as YAML or JSON Lines, or {declare}"
    return _Refused(f"{message}, as every cell of CSV is", hint, case.location.file)


def issues_of_examples(prompt: Prompt, filled: Collection[str]) -> Iterator[Issue]:
    """What examples lack of a request, or give otherwise; `filled` is what the stack retrieves."""
    for example in prompt.examples:
        for name, value in example.vars.items():
            variable = None if name in filled else prompt.variables.get(name)
            misfit = None if variable is None else misfit_of(variable, value)
            if misfit is not None:
                message = f"the variable {name!r} {misfit.message}"
                yield Issue(location=example.location, message=message, hint=misfit.hint)
        for name, near in missing_in(prompt, example.vars, filled).items():
            message = f"this example gives no {name!r}, which {prompt.ref} requires"
            rename = f"rename {near!r} to it" if near else ""
            hint = rename or "give it: an example's vars are those of a request"
            yield Issue(location=example.location, message=message, hint=hint)
