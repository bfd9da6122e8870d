"""Waivers with their place in the file that holds them."""

from __future__ import annotations

from collections.abc import Iterator

from tetrad.lint.tree import Part, Tree
from tetrad.model import Waiver


def waiver_parts(tree: Tree) -> Iterator[tuple[Waiver, Part]]:
    """Every waiver of the repository and the part of waivers.yaml that says it."""
    by_place = {waiver.location: waiver for waiver in tree.repository.waivers}
    for document in tree.components("waivers"):
        listed = document.get("waivers")
        for part in listed.parts() if listed else ():
            waiver = by_place.get(part.document.at(part.path))
            if waiver is not None:
                yield waiver, part
