"""Personal data in a text: anchored patterns, each with the check that its numbers carry."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from string import ascii_uppercase
from typing import TypeAlias

_Span: TypeAlias = tuple[int, int]
_Find: TypeAlias = Callable[[str], Iterable[_Span]]


@dataclass(frozen=True, slots=True)
class PersonalData:
    """What was found, and where; never the data itself."""

    kind: str
    start: int
    end: int


def find_personal_data(text: str) -> tuple[PersonalData, ...]:
    """Card numbers (Luhn), IBANs (mod 97), mail addresses, phone and US social security numbers."""
    found: list[PersonalData] = []
    rest = text
    for kind, find in _KINDS.items():
        spans = list(find(rest))
        found += [PersonalData(kind, start, stop) for start, stop in spans]
        rest = _without(rest, spans)
    return tuple(sorted(found, key=lambda one: (one.start, one.end)))


def _without(text: str, spans: Sequence[_Span]) -> str:
    """The text with what was found blanked, so that it is found once and all else keeps its place."""
    pieces: list[str] = []
    end = 0
    for start, stop in spans:
        pieces += (text[end:start], "\0" * (stop - start))
        end = stop
    return "".join((*pieces, text[end:]))


def _written_as(pattern: re.Pattern[str]) -> _Find:
    """What a pattern alone tells."""
    return lambda text: (match.span() for match in pattern.finditer(text))


def _checked(
    ahead: re.Pattern[str], goes_on: re.Pattern[str], holds: Callable[[str], bool]
) -> _Find:
    """What begins where a pattern looks ahead, and holds. What follows may look like more of it
    ("… 0130 00 OK", "… 1111 12/27"), so every end counts where it does not go on.
    """

    def find(text: str) -> Iterator[_Span]:
        end = 0
        for match in ahead.finditer(text):
            start, longest = match.span(1)
            if start < end:
                continue
            for stop in range(longest, start, -1):
                if not goes_on.match(text, stop) and holds(text[start:stop]):
                    end = stop
                    yield start, stop
                    break

    return find


def _is_card(written: str) -> bool:
    """Luhn's check (ISO/IEC 7812-1, annex B); a run of one digit is an example, not a card."""
    digits = [int(c) for c in written if c.isdigit()]
    if not 13 <= len(digits) <= 19 or len(set(digits)) == 1:
        return False
    doubled = [sum(divmod(2 * d, 10)) for d in digits[-2::-2]]
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


def _is_iban(written: str) -> bool:
    """ISO 13616: the first four characters moved to the end, letters as numbers, give 1 mod 97."""
    compact = written.replace(" ", "")
    if not 15 <= len(compact) <= 34:
        return False
    return int((compact[4:] + compact[:4]).translate(_LETTERS)) % 97 == 1


_LETTERS = str.maketrans({letter: str(int(letter, 36)) for letter in ascii_uppercase})
_KINDS: Mapping[str, _Find] = {
    "mail address": _written_as(
        re.compile(
            r"(?<![\w.+-])[A-Za-z0-9._%+-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,24}\b"
        )
    ),
    "IBAN": _checked(
        re.compile(r"\b(?=([A-Z]{2}[0-9]{2}(?: ?[A-Z0-9]){11,30}))"), re.compile(r"\w"), _is_iban
    ),
    # A run of digits as it stands, however it is grouped; else groups as cards have them.
    "card number": _checked(
        re.compile(
            r"(?<![\w.+-])(?=((?<![0-9] )[0-9](?:[ -]?[0-9]){12,18}(?![ -]?\w)"
            r"|[0-9]{4,6}(?:[ -][0-9]{3,7}){2,4}|[0-9]{13,19}))"
        ),
        re.compile(r"[\w-]"),
        _is_card,
    ),
    # Areas 000, 666 and 9xx, group 00 and serial 0000 were never given out.
    "social security number": _written_as(
        re.compile(r"(?<![\w-])(?!000|666|9)[0-9]{3}-(?!00)[0-9]{2}-(?!0000)[0-9]{4}(?![\w-])")
    ),
    # E.164's international form, at most 15 digits, or a North American number written as one; any
    # digits would be too many.
    "phone number": _written_as(
        re.compile(
            r"(?<![\w+])(?:\+[1-9](?:[ ()./-]{0,2}[0-9]){7,14}"
            r"|\([2-9][0-9]{2}\) ?[0-9]{3}-[0-9]{4}|[2-9][0-9]{2}-[0-9]{3}-[0-9]{4})(?![\w-])"
        )
    ),
}
