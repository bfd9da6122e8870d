"""What stands between an answer and the one who asked: limits and the output contract.

The white space around an answer is dropped; nothing else of it is fixed. An answer that breaks the
contract goes out as it is, and its trace says so: whoever reads it decides.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Any

from tetrad.canonical import as_digested
from tetrad.model import Output
from tetrad.results.exchange import Choice, Constraint, JsonOutput
from tetrad.results.trace import Guarded
from tetrad.text import encodable
from tetrad.yamldoc.document import json_path
from tetrad.yamldoc.jsontext import strict_decoder

_SHOWN = 5  # problems of one answer


def too_long(size: int, limit: int) -> tuple[Guarded, ...]:
    """What is wrong with a request that brings more characters than the stack takes."""
    if size <= limit:
        return ()
    detail = f"the request has {size:,} characters; {limit:,} are allowed"
    return (Guarded(rule="max_input_chars", detail=detail),)


def trimmed(text: str) -> str:
    """An answer without the white space around it, and with nothing that no file can hold."""
    return encodable(text.strip())


class Contract:
    """The output contract of a prompt: what an engine is bound to, and what an answer is held to."""

    def __init__(self, output: Output) -> None:
        self._output = output

    @property
    def is_on_the_whole(self) -> bool:
        """Whether an answer can be held to it only once it has ended."""
        return bool(self._output.enum) or self._output.format == "json"

    @property
    def constraint(self) -> Constraint | None:
        if self._output.enum:
            return Choice(labels=self._output.enum)
        if self._output.schema is not None:
            return JsonOutput(schema=as_digested(self._output.schema))
        return None

    def broken(self, text: str) -> Iterator[Guarded]:
        """How an answer breaks the contract."""
        if self._output.enum:
            if text not in self._output.enum:
                yield Guarded(rule="output.enum", detail=_not_a_label(text, self._output.enum))
        elif self._output.format == "json":
            yield from self._broken_json(text)

    def _broken_json(self, text: str) -> Iterator[Guarded]:
        try:
            value = strict_decoder().decode(text)
            problems = self._problems(value, len(text))
        except (ValueError, RecursionError) as error:  # of half a surrogate pair as well
            yield Guarded(rule="output.json", detail=f"the answer is not JSON: {error}")
            return
        for problem in problems:
            detail = f"{json_path(problem.instance_path)}: {_short(problem.message)}"
            yield Guarded(rule="output.schema", detail=detail)

    def _problems(self, value: Any, size: int) -> list[Any]:
        if self._validator is None:
            return []
        from tetrad.schemas.check import errors_of

        return errors_of(self._validator, value, size=size)[:_SHOWN]

    @cached_property
    def _validator(self) -> Any:
        if self._output.schema is None:
            return None
        from tetrad.schemas.check import compile_schema

        return compile_schema(self._output.schema)


def _not_a_label(text: str, labels: tuple[str, ...]) -> str:
    """Case counts: who compares answers with labels would be surprised if it did not."""
    near = [label for label in labels if label.casefold() == text.casefold()]
    hint = f"; {near[0]!r} is, which differs by case" if near else ""
    return f"{_short(text)!r} is none of the labels{hint}"


def _short(text: str) -> str:
    return text if len(text) <= 200 else f"{text[:199]}…"
