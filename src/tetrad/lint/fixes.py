"""Applying the edits of fixes to texts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from tetrad.lint.finding import Edit, Finding


def fixed_texts(
    findings: Iterable[Finding], texts: Mapping[str, str], *, unsafe: bool
) -> dict[str, str]:
    """The new texts of the files that fixes change.

    A fix is taken whole or not at all; one that touches what an earlier one edits waits for the
    next round.
    """
    taken: defaultdict[str, list[Edit]] = defaultdict(list)
    for finding in findings:
        fix = finding.fix
        if fix is None or not (fix.safe or unsafe):
            continue
        if all(_is_free(edit, taken[edit.file]) for edit in fix.edits):
            for edit in fix.edits:
                taken[edit.file].append(edit)
    return {file: applied(texts.get(file, ""), edits) for file, edits in taken.items() if edits}


def applied(text: str, edits: Iterable[Edit]) -> str:
    """A text with edits that do not overlap."""
    once = dict.fromkeys(edits)  # two findings may ask for the same
    for edit in sorted(once, key=lambda edit: (edit.start, edit.end), reverse=True):
        text = text[: edit.start] + edit.text + text[edit.end :]
    return text


def _is_free(edit: Edit, taken: Iterable[Edit]) -> bool:
    return all(
        edit.end <= other.start or other.end <= edit.start for other in taken if other != edit
    )
