"""Lines of waivers.yaml that accepted something of the base's yardstick, in a change that is merged."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from tetrad.errors import SpecError
from tetrad.lint.finding import Edit, Fix
from tetrad.lint.tree import LintTree, Part
from tetrad.yamldoc.parse import parse


def merged_acceptances(tree: LintTree) -> Iterator[tuple[Part, Fix | None]]:
    """Each such line, and the edits that take it away."""
    for document in tree.components("waivers"):
        listed = document.get("waivers")
        lines = list(listed.parts()) if listed else []
        stale = _stale(tree, document.file, lines)
        for number, part in enumerate(stale):
            is_last = number == len(lines) - 1  # of all: what is left is an empty list
            yield part, _removal(part, empties=listed if is_last else None)


def _stale(tree: LintTree, file: str, lines: Sequence[Part]) -> list[Part]:
    ours = [part for part in lines if _is_acceptance(part.value)]
    text = tree.merged(file) if ours else None
    if text is None:
        return []
    try:
        value = parse(text.encode(), file).value
    except SpecError:
        return []
    merged = value.get("waivers") if isinstance(value, dict) else None
    return [part for part in ours if part.value in merged] if isinstance(merged, list) else []


def _is_acceptance(value: Any) -> bool:
    return isinstance(value, dict) and value.get("accept") == "yardstick"


def _removal(part: Part, *, empties: Part | None) -> Fix | None:
    """The lines of a list's item; None where it shares them. `empties` is the list without items."""
    text, span = part.document.text, part.document.span(part.path)
    start = text.rfind("\n", 0, span.start) + 1
    end = span.end if text[span.end - 1] == "\n" else text.find("\n", span.end) + 1 or len(text)
    if text[start : span.start].strip() != "-" or text[span.end : end].strip():
        return None
    edits = [Edit(file=part.file, start=start, end=end, text="")]
    if empties is not None:
        key = part.document.key_span(empties.path)
        if key is None:
            return None
        after = text.index(":", key.end) + 1
        edits.append(Edit(file=part.file, start=after, end=after, text=" []"))
    return Fix(title="remove the line", edits=tuple(edits), safe=True)
