"""Whose keys are whose: a person may have several, an old one and its successor, one and Sigstore."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from tetrad.model import Keyless, Signer


@dataclass(frozen=True, kw_only=True, slots=True)
class Person:
    keys: frozenset[str]  # names of signers
    authors: frozenset[str]  # e-mail addresses, case-folded


def people_of(signers: Iterable[Signer]) -> Mapping[str, Person]:
    """The person behind each signer's name. Keys that share an e-mail address are one person's; so is
    whom Sigstore certifies to have it, who is no author by that alone.
    """
    people: list[tuple[Person, frozenset[str]]] = []  # with all that they are known by
    for signer in signers:
        authors = frozenset(map(str.casefold, signer.authors))
        known_by = authors
        if isinstance(signer.key, Keyless):
            known_by |= {signer.key.identity.casefold()}
        same = [one for one in people if one[1] & known_by]
        others = [one for one in people if not one[1] & known_by]
        merged = Person(
            keys=frozenset({signer.name}).union(*(person.keys for person, _ in same)),
            authors=authors.union(*(person.authors for person, _ in same)),
        )
        people = [*others, (merged, known_by.union(*(known for _, known in same)))]
    return {name: person for person, _ in people for name in person.keys}
