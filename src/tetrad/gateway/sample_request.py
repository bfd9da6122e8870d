"""A request that a stack takes: to probe an identity with, and to show."""

from __future__ import annotations

from tetrad.canonical import Json
from tetrad.model import Stack, Variable


def sample_variables(stack: Stack) -> dict[str, Json]:
    """Variables that the prompt takes: an example's, or the plainest of their types."""
    declared = [v for v in stack.prompt.variables.values() if v.name not in stack.filled]
    shown = stack.prompt.examples[0].vars if stack.prompt.examples else {}
    return {
        variable.name: shown.get(variable.name, _plain(variable))
        for variable in declared
        if variable.required or variable.name in shown
    }


def _plain(variable: Variable) -> Json:
    if variable.enum:
        return variable.enum[0]
    plain: dict[str, Json] = {
        "number": 1, "integer": 1, "boolean": True, "array": [], "object": {},
    }  # fmt: skip
    return plain.get(variable.type, "Hello"[: variable.max_chars])
