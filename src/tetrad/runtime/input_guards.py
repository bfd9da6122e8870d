"""Guardrails on what a request brings and on what is retrieved for it.

Personal data, secrets and injections are looked for in what strangers write: untrusted variables,
earlier turns, passages. A trusted variable is the application's own word.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tetrad.canonical import Json
from tetrad.model import Stack, Turn
from tetrad.results.trace import Guarded, Passage
from tetrad.runtime.credentials import credentials_in
from tetrad.runtime.fixed_answers import (
    CREDENTIAL_REFUSED,
    INJECTION_REFUSED,
    PERSONAL_DATA_REFUSED,
)
from tetrad.runtime.injection import injections_in
from tetrad.runtime.observing import Guarding, Observer, watched
from tetrad.runtime.personal_data import find_personal_data
from tetrad.runtime.redaction import without_credentials, without_personal_data


@dataclass(frozen=True, kw_only=True, slots=True)
class Inspected:
    """What is left of a request, and what was found; with an `answer` it goes no further."""

    values: dict[str, Json]
    history: tuple[Turn, ...]
    found: tuple[Guarded, ...] = ()
    answer: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class _Look:
    """A guardrail that searches texts."""

    rule: str
    blocks: bool
    kinds: Callable[[str], Sequence[str]]
    refusal: str
    redact: Callable[[str], str] | None = None


class InputGuards:
    """The guardrails of a stack that look at a request before its model does."""

    def __init__(self, stack: Stack) -> None:
        self._looks = tuple(_looks(stack))
        self._passages = stack.guardrails.injection.passages
        self._strangers = frozenset(
            v.name for v in stack.prompt.variables.values() if v.trust == "untrusted"
        ) - frozenset(stack.filled)

    def inspect(
        self, values: dict[str, Json], history: tuple[Turn, ...], observer: Observer
    ) -> Inspected:
        request = Inspected(values=values, history=history)
        for look in self._looks:
            with watched(observer, Guarding(rule=look.rule, where="input")) as watch:
                found = self._found(look, request)
                watch.end(found)
            if found and look.blocks:
                return replace(request, found=request.found + found, answer=look.refusal)
            if found and look.redact is not None:
                request = self._redacted(request, look.redact)
            request = replace(request, found=request.found + found)
        return request

    def of_passages(
        self, passages: tuple[Passage, ...], observer: Observer
    ) -> tuple[tuple[Passage, ...], tuple[Guarded, ...]]:
        """The passages that the model may see, and what was found in the others."""
        if self._passages is None:
            return passages, ()
        with watched(observer, Guarding(rule="injection.passages", where="passages")) as watch:
            found = {p: kinds for p in passages if (kinds := injections_in(p.text))}
            drops = self._passages == "drop"
            guarded = tuple(_passage_guard(p, kinds, drops=drops) for p, kinds in found.items())
            watch.end(guarded)
        return tuple(p for p in passages if p not in found or not drops), guarded

    def _found(self, look: _Look, request: Inspected) -> tuple[Guarded, ...]:
        places: dict[str, list[str]] = {}
        for place, text in self._texts(request):
            for kind in look.kinds(text):
                places.setdefault(place, []).append(kind)
        what = "refused" if look.blocks else "replaced" if look.redact else "found"
        return tuple(
            Guarded(rule=look.rule, detail=f"{what} in {place}: {', '.join(dict.fromkeys(kinds))}")
            for place, kinds in places.items()
        )

    def _texts(self, request: Inspected) -> Iterator[tuple[str, str]]:
        for name, value in request.values.items():
            if name in self._strangers:
                yield from ((name, text) for text in _texts_in(value))
        for turn in request.history:
            yield "the earlier turns", turn.content

    def _redacted(self, request: Inspected, redact: Callable[[str], str]) -> Inspected:
        values = {
            name: _with_texts(value, redact) if name in self._strangers else value
            for name, value in request.values.items()
        }
        history = tuple(replace(turn, content=redact(turn.content)) for turn in request.history)
        return replace(request, values=values, history=history)


def _looks(stack: Stack) -> Iterator[_Look]:
    guardrails = stack.guardrails
    if (treatment := guardrails.secrets.input) is not None:
        yield _Look(
            rule="secrets.input",
            blocks=treatment == "block",
            kinds=kinds_of_credentials,
            refusal=CREDENTIAL_REFUSED,
            redact=without_credentials,
        )
    if (treatment := guardrails.personal_data.input) is not None:
        yield _Look(
            rule="personal_data.input",
            blocks=treatment == "block",
            kinds=kinds_of_personal_data,
            refusal=PERSONAL_DATA_REFUSED,
            redact=without_personal_data,
        )
    if (reaction := guardrails.injection.variables) is not None:
        yield _Look(
            rule="injection.variables",
            blocks=reaction == "block",
            kinds=injections_in,
            refusal=INJECTION_REFUSED,
        )


def kinds_of_personal_data(text: str) -> Sequence[str]:
    return [found.kind for found in find_personal_data(text)]


def kinds_of_credentials(text: str) -> Sequence[str]:
    return [found.what for found in credentials_in(text)]


def _passage_guard(passage: Passage, kinds: Sequence[str], *, drops: bool) -> Guarded:
    what = "dropped" if drops else "found in"
    where = f"{passage.document}, chunk {passage.chunk}"
    return Guarded(rule="injection.passages", detail=f"{what} {where}: {', '.join(kinds)}")


def _texts_in(value: Json) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield key
            yield from _texts_in(inner)
    elif isinstance(value, Sequence):
        for inner in value:
            yield from _texts_in(inner)


def _with_texts(value: Json, change: Callable[[str], str]) -> Any:
    """The value with its texts changed; keys stay, since templates read them."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, Mapping):
        return {key: _with_texts(inner, change) for key, inner in value.items()}
    if isinstance(value, Sequence):
        return tuple(_with_texts(inner, change) for inner in value)
    return value
