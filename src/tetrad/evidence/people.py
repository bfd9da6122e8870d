"""Whose keys are whose: a person may have several, an old one and its successor."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from tetrad.model import Signer


@dataclass(frozen=True, kw_only=True, slots=True)
class Person:
    keys: frozenset[str]  # names of signers
    authors: frozenset[str]  # e-mail addresses, case-folded


def people_of(signers: Iterable[Signer]) -> Mapping[str, Person]:
    """The person behind each signer's name. Keys that share an e-mail address are one person's."""
    people: list[Person] = []
    for signer in signers:
        authors = frozenset(map(str.casefold, signer.authors))
        same = [person for person in people if person.authors & authors]
        others = [person for person in people if not person.authors & authors]
        merged = Person(
            keys=frozenset({signer.name}).union(*(person.keys for person in same)),
            authors=authors.union(*(person.authors for person in same)),
        )
        people = [*others, merged]
    return {name: person for person in people for name in person.keys}
