"""What lint finds in a document that an editor holds, with the documents beside it."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from tetrad.cli.linting import lint, request_of_text
from tetrad.errors import UsageError
from tetrad.lint import Finding, LintTree
from tetrad.lint.finding import Fix
from tetrad.lint.fixes import fixed_texts
from tetrad.lint.other_tools import is_of_other_tool
from tetrad.loading.root import find_root
from tetrad.places import checkout_above

_EVERYTHING = Namespace(select=[], ignore=[], prompty=[])


class Linted(NamedTuple):
    """One version of a document: its lines, and what was found."""

    version: int | None
    name: str
    tree: LintTree
    findings: tuple[Finding, ...]

    def line(self, number: int) -> str:
        return self.tree.lines(self.name).line(number)

    def fix_of(self, finding: Finding) -> Fix | None:
        """The fix of a finding, where it changes this document alone."""
        fix = finding.fix
        return fix if fix and all(edit.file == self.name for edit in fix.edits) else None

    def fixed(self) -> str | None:
        """The text with all safe fixes; None where there is none."""
        mine = [finding for finding in self.findings if self.fix_of(finding)]
        return fixed_texts(mine, self.tree.texts, unsafe=False).get(self.name)


def linted(path: Path, version: int | None, open_texts: Mapping[Path, str]) -> Linted | None:
    """What is found in a document; None where it lies in no repository of ours."""
    real = path.parent.resolve() / path.name
    root = _root_of(real)
    if root is None:
        return None
    texts = {
        other.relative_to(root).as_posix(): text.encode(errors="replace")
        for other, text in open_texts.items()
        if other.is_relative_to(root)
    }
    name = real.relative_to(root).as_posix()
    tree, findings = lint(request_of_text(root, name, texts, _EVERYTHING), _EVERYTHING)
    mine = tuple(finding for finding in findings if finding.place.file == name)
    return Linted(version, name, tree, mine)


def _root_of(path: Path) -> Path | None:
    try:
        return find_root(path.parent)
    except UsageError:
        if not is_of_other_tool(path):
            return None
        return checkout_above(path.parent) or path.parent
