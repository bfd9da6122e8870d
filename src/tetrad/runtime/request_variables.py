"""What a request brings, held against what its prompt declares."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from tetrad.canonical import Json, as_digested
from tetrad.errors import BadRequest
from tetrad.model import Prompt
from tetrad.model.variables import TOO_DEEP, misfit_of, missing_in


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
        problems = [
            f"{name}: is required and not given"
            + (f"; {near!r} is given, which the prompt does not declare" if near else "")
            for name, near in missing_in(self._prompt, given, self._filled).items()
        ]
        for variable in self._declared:
            name = variable.name
            if name in given:
                misfit = misfit_of(variable, given[name])
                if misfit is not None:
                    problems.append(f"{name}: {misfit.message}")
                values[name] = _told(given[name])
            elif not variable.required:
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


def _told(value: Json) -> Json:
    try:
        told: Json = as_digested(value)
    except RecursionError as error:
        raise BadRequest(TOO_DEEP) from error
    return told
