"""Which rules run, and in which files: codes, beginnings of codes (SCH, INJ3) and names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from types import MappingProxyType
from typing import NamedTuple

from tetrad.errors import UsageError
from tetrad.lint.finding import Finding
from tetrad.lint.rule import Rule
from tetrad.schemas.nearest import nearest


class Selection(NamedTuple):
    """The longest selector that fits a rule decides; without any in `select`, all rules run.

    What a repository's settings say binds no sealed rule: those are lifted by waivers only.
    """

    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    settings_select: tuple[str, ...] = ()
    settings_ignore: tuple[str, ...] = ()
    per_file_ignores: Mapping[str, tuple[str, ...]] = MappingProxyType({})  # by glob

    def takes(self, rule: Rule) -> bool:
        if not _takes(rule, self.select, self.ignore):
            return False
        if rule.sealed or self.select:
            return True
        return _takes(rule, self.settings_select, self.settings_ignore)

    def ignores(self, finding: Finding) -> bool:
        """Whether the settings leave a finding's rule out in its file."""
        return not finding.sealed and any(
            _fit(finding, selector)
            for glob, selectors in self.per_file_ignores.items()
            if _is_of(glob, finding.place.file)
            for selector in selectors
        )


def _is_of(glob: str, file: str) -> bool:
    """Whether a glob fits a file's path or its last part; `!` before it turns it, as ruff reads it."""
    if glob.startswith("!"):
        return not _is_of(glob[1:], file)
    pattern = glob.removeprefix("./")
    name = file.rsplit("/", 1)[-1]
    anywhere = pattern.removeprefix("**/")
    return any(
        fnmatchcase(path, part) for path in (file, name) for part in (pattern, anywhere)
    ) or fnmatchcase(file, pattern.replace("/**/", "/"))


def _takes(rule: Rule, select: Sequence[str], ignore: Sequence[str]) -> bool:
    wanted = max((_fit(rule, selector) for selector in select), default=0 if select else 1)
    refused = max((_fit(rule, selector) for selector in ignore), default=0)
    return wanted > refused or (wanted > 0 and refused == 0)


def _fit(named: Rule | Finding, selector: str) -> int:
    """How much of a rule's code a selector names; a rule's name is all of it."""
    if selector == named.name:
        return len(named.code)
    return len(selector) if named.code.startswith(selector.upper()) else 0


def check_selectors(selectors: Sequence[str], rules: Sequence[Rule]) -> None:
    """UsageError for a selector that fits no rule."""
    for selector in selectors:
        if any(_fit(rule, selector) for rule in rules):
            continue
        near = nearest(selector, [name for rule in rules for name in (rule.code, rule.name)])
        suggestion = f"; did you mean {near}?" if near else ""
        raise UsageError(
            f"unknown rule {selector!r}{suggestion}\n  help: `tetrad explain` lists all rules"
        )
