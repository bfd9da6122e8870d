"""Guardrails on an answer before it goes out."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from tetrad.model import Guardrails
from tetrad.results.trace import Guarded
from tetrad.runtime.fixed_answers import CANARY_WITHHELD, CREDENTIAL_WITHHELD, WITHHELD
from tetrad.runtime.input_guards import kinds_of_credentials, kinds_of_personal_data
from tetrad.runtime.observing import Guarding, Observer, watched
from tetrad.runtime.redaction import without_credentials, without_personal_data


@dataclass(frozen=True, kw_only=True, slots=True)
class _Look:
    """A guardrail that searches an answer; it is withheld where nothing redacts it."""

    rule: str
    kinds: Callable[[str], Sequence[str]]
    withheld: str
    redact: Callable[[str], str] | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Released:
    """What goes out of an answer; `withheld` says that it is another text, which holds no contract."""

    text: str
    found: tuple[Guarded, ...] = ()
    withheld: bool = False


class OutputGuards:
    """The guardrails of a stack that look at an answer; they need the whole of it."""

    def __init__(self, guardrails: Guardrails) -> None:
        self._looks = tuple(_looks(guardrails))

    def __bool__(self) -> bool:
        return bool(self._looks)

    def release(self, answer: str, observer: Observer) -> Released:
        objections: list[Guarded] = []
        for look in self._looks:
            with watched(observer, Guarding(rule=look.rule, where="output")) as watch:
                kinds = ", ".join(dict.fromkeys(look.kinds(answer)))
                found = (Guarded(rule=look.rule, detail=_detail(look, kinds)),) if kinds else ()
                watch.end(found)
            objections += found
            if found and look.redact is None:
                return Released(text=look.withheld, found=tuple(objections), withheld=True)
            if found and look.redact is not None:
                answer = look.redact(answer)
        return Released(text=answer, found=tuple(objections))


def _detail(look: _Look, kinds: str) -> str:
    if look.redact is not None:
        return f"replaced in the answer: {kinds}"
    return f"the answer contained: {kinds}"


def _looks(guardrails: Guardrails) -> Iterator[_Look]:
    if guardrails.canary is not None:
        yield _Look(
            rule="canary",
            kinds=_Canary(guardrails.canary),
            withheld=CANARY_WITHHELD,
            redact=None,
        )
    if (treatment := guardrails.secrets.output) is not None:
        yield _Look(
            rule="secrets.output",
            kinds=kinds_of_credentials,
            withheld=CREDENTIAL_WITHHELD,
            redact=without_credentials if treatment == "redact" else None,
        )
    if guardrails.block_pii_in_output:
        yield _Look(
            rule="block_pii_in_output",
            kinds=kinds_of_personal_data,
            withheld=WITHHELD,
            redact=None,
        )
    elif (treatment := guardrails.personal_data.output) is not None:
        yield _Look(
            rule="personal_data.output",
            kinds=kinds_of_personal_data,
            withheld=WITHHELD,
            redact=without_personal_data if treatment == "redact" else None,
        )


class _Canary:
    """Finds a text however it is spaced, cased or punctuated; `kinds` never repeats it."""

    def __init__(self, canary: str) -> None:
        self._letters = letters_of(canary)

    def __call__(self, text: str) -> Sequence[str]:
        return ["the canary of the prompt"] if self._letters in letters_of(text) else []


def letters_of(text: str) -> str:
    """The letters and digits of a text alone, as they compare."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return "".join(char for char in folded if char.isalnum())
