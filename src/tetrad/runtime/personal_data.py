"""Personal data in a text: anchored patterns, each with the check that its numbers carry."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from string import ascii_uppercase
from typing import TypeAlias

_Span: TypeAlias = tuple[int, int]
_Find: TypeAlias = Callable[[str], Iterable[_Span]]
_Ends: TypeAlias = Callable[[str], Sequence[int]]  # where what begins a text may end, rising


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


def _checked(ahead: re.Pattern[str], goes_on: re.Pattern[str], ends: _Ends) -> _Find:
    """What begins where a pattern looks ahead, and holds. What follows may look like more of it
    ("… 0130 00 OK", "… 1111 12/27"), so every end counts where it does not go on.
    """

    def find(text: str) -> Iterator[_Span]:
        end = 0
        for match in ahead.finditer(text):
            start, longest = match.span(1)
            if start < end:
                continue
            for stop in reversed(ends(text[start:longest])):
                if not goes_on.match(text, start + stop):
                    end = start + stop
                    yield start, end
                    break

    return find


def _card_ends(written: str) -> list[int]:
    """Where a card number may end by Luhn's check (ISO/IEC 7812-1, annex B); a run of one digit is an
    example, not a card.
    """
    found: list[int] = []
    totals = [0, 0]  # with the digits at even, or at odd places taken once
    digits: list[str] = []
    for at, character in enumerate(written):
        if character in " -":
            continue
        place = len(digits) % 2
        totals[place] += int(character)
        totals[1 - place] += _TWICE[character]
        digits.append(character)
        if len(digits) >= 13 and totals[place] % 10 == 0 and len(set(digits)) > 1:
            found.append(at + 1)
        if len(digits) == 19:
            break
    return found


def _iban_ends(written: str) -> list[int]:
    """Where an IBAN may end (ISO 13616): with the first four characters moved to the end and letters
    as numbers, it gives 1 mod 97.
    """
    head = written[:4].translate(_LETTERS)
    shift, moved = 10 ** len(head), int(head)
    found: list[int] = []
    rest, count = 0, 4
    for at, character in enumerate(written[4:], start=4):
        if character == " ":
            continue
        value = int(character, 36)
        rest = (rest * (10 if value < 10 else 100) + value) % 97
        count += 1
        if 15 <= count <= 34 and (rest * shift + moved) % 97 == 1:
            found.append(at + 1)
    return found


_TWICE = {str(digit): sum(divmod(2 * digit, 10)) for digit in range(10)}
_LETTERS = str.maketrans({letter: str(int(letter, 36)) for letter in ascii_uppercase})
_KINDS: Mapping[str, _Find] = {
    "mail address": _written_as(
        re.compile(
            r"(?<![\w.+-])[A-Za-z0-9._%+-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,24}\b"
        )
    ),
    "IBAN": _checked(
        re.compile(r"\b(?=([A-Z]{2}[0-9]{2}(?: ?[A-Z0-9]){11,30}))"), re.compile(r"\w"), _iban_ends
    ),
    # A run of digits as it stands, however it is grouped; else groups as cards have them.
    "card number": _checked(
        re.compile(
            r"(?<![\w.+-])(?=((?<![0-9] )[0-9](?:[ -]?[0-9]){12,18}(?![ -]?\w)"
            r"|[0-9]{4,6}(?:[ -][0-9]{3,7}){2,4}|[0-9]{13,19}))"
        ),
        re.compile(r"[\w-]"),
        _card_ends,
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
