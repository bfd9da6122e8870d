"""Personal data in a text: anchored patterns, each with the check that its numbers carry."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PersonalData:
    """What was found, and where; never the data itself."""

    kind: str
    start: int
    end: int


def find_personal_data(text: str) -> tuple[PersonalData, ...]:
    """Card numbers (Luhn), IBANs (mod 97), mail addresses, phone and US social security numbers."""
    return tuple(sorted(_found(text), key=lambda found: (found.start, found.end)))


def _found(text: str) -> Iterator[PersonalData]:
    taken: list[range] = []
    for kind, (pattern, holds) in _KINDS.items():
        for match in pattern.finditer(text):
            span = range(match.start(), match.end())
            if holds(match[0]) and not any(
                span.start < t.stop and t.start < span.stop for t in taken
            ):
                taken.append(span)
                yield PersonalData(kind, span.start, span.stop)


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
    return int("".join(str(int(c, 36)) for c in compact[4:] + compact[:4])) % 97 == 1


def _is_phone(written: str) -> bool:
    """E.164: a plus and at most 15 digits."""
    return 8 <= sum(c.isdigit() for c in written) <= 15


def _is_any(_: str) -> bool:
    return True


_KINDS: Mapping[str, tuple[re.Pattern[str], Callable[[str], bool]]] = {
    "mail address": (
        re.compile(
            r"(?<![\w.+-])[A-Za-z0-9._%+-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,24}\b"
        ),
        _is_any,
    ),
    "IBAN": (re.compile(r"\b[A-Z]{2}[0-9]{2}(?: ?[A-Z0-9]{1,4}){3,8}\b"), _is_iban),
    "card number": (re.compile(r"(?<![\w.+-])[0-9](?:[ -]?[0-9]){12,18}(?![\w-])"), _is_card),
    # Areas 000, 666 and 9xx, group 00 and serial 0000 were never given out.
    "social security number": (
        re.compile(r"(?<![\w-])(?!000|666|9)[0-9]{3}-(?!00)[0-9]{2}-(?!0000)[0-9]{4}(?![\w-])"),
        _is_any,
    ),
    # International form, or a North American number written as one; any digits would be too many.
    "phone number": (
        re.compile(
            r"(?<![\w+])(?:\+[1-9](?:[ ()./-]{0,2}[0-9]){7,14}"
            r"|\([2-9][0-9]{2}\) ?[0-9]{3}-[0-9]{4}|[2-9][0-9]{2}-[0-9]{3}-[0-9]{4})(?![\w-])"
        ),
        _is_phone,
    ),
}
