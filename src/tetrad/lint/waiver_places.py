"""Waivers with their place in the file that holds them, and what they are about."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Mapping

from tetrad.lint.finding import Place
from tetrad.lint.tree import LintTree, Part
from tetrad.model import Waiver


def waiver_parts(tree: LintTree) -> Iterator[tuple[Waiver, Part]]:
    """Every waiver of the repository and the part of waivers.yaml that says it."""
    by_place = {waiver.location: waiver for waiver in tree.repository.waivers}
    for document in tree.components("waivers"):
        listed = document.get("waivers")
        for part in listed.parts() if listed else ():
            waiver = by_place.get(part.document.at(part.path))
            if waiver is not None:
                yield waiver, part


def file_and_case(waiver: Waiver, tree: LintTree) -> tuple[str, str]:
    """The file of a waiver, and the case that `FILE#CASE` names; "" where it is about all of it."""
    written = waiver.file or ""
    file, mark, case = written.partition("#")
    return (file, case) if mark and written not in tree.texts else (written, "")


class CasesByLine:
    """Which golden case a place lies in."""

    def __init__(self, tree: LintTree) -> None:
        starts: defaultdict[str, list[tuple[int, str]]] = defaultdict(list)
        for suite in tree.repository.suites.values():
            for case in suite.golden.cases:
                starts[case.location.file].append((case.location.line, case.id))
        self._starts: Mapping[str, list[tuple[int, str]]] = {
            file: sorted(set(found)) for file, found in starts.items()
        }

    def at(self, place: Place) -> str:
        """The id of the case; "" where there is none."""
        starts = self._starts.get(place.file, [])
        before = bisect_right(starts, place.span.line, key=lambda start: start[0])
        return starts[before - 1][1] if before else ""
