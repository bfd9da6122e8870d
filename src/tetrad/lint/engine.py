"""Running rules over a tree, and what suppressions leave of their findings."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace

from tetrad.lint.finding import Finding
from tetrad.lint.rule import Rule
from tetrad.lint.rules import CONTENT_RULES, RULES, SUPPRESSION_RULES
from tetrad.lint.selection import Selection
from tetrad.lint.suppressions import WHOLE_FILE, Suppression
from tetrad.lint.tree import LintTree, SuppressionLog
from tetrad.lint.waiver_places import CasesByLine, file_and_case
from tetrad.model import Waiver

EVERYTHING = Selection()


def lint_tree(
    tree: LintTree, selection: Selection = EVERYTHING, *, without: Collection[str] = ()
) -> tuple[Finding, ...]:
    """The findings in the files asked for, in their order; `without` are codes of rules."""
    rules = [rule for rule in CONTENT_RULES if selection.takes(rule) and rule.code not in without]
    found = list(_without_replaced(rules, list(_run(rules, tree))))
    judged = _Judged(tree, found)
    ledger = SuppressionLog(
        codes={rule.name: rule.code for rule in RULES},
        sealed=frozenset(rule.name for rule in RULES if rule.sealed),
        ran=frozenset(rule.code for rule in rules),
        used=frozenset(judged.used),
        used_waivers=frozenset(judged.used_waivers),
    )
    late = [rule for rule in SUPPRESSION_RULES if selection.takes(rule)]
    about_suppressions = list(_run(late, replace(tree, ledger=ledger)))
    kept = judged.kept + _Judged(tree, about_suppressions).kept
    names = frozenset(tree.names)
    return tuple(
        sorted(
            (f for f in dict.fromkeys(kept) if f.place.file in names and not selection.ignores(f)),
            key=lambda f: f.order,
        )
    )


def _run(rules: Iterable[Rule], tree: LintTree) -> Iterable[Finding]:
    for rule in rules:
        yield from rule.check(tree)


def _without_replaced(rules: Iterable[Rule], findings: list[Finding]) -> Iterable[Finding]:
    """The findings, less those that a more specific rule makes at the same place."""
    replaces = {rule.code: rule.replaces for rule in rules if rule.replaces}
    replaced = {
        (f.place.file, f.place.span.line, f.place.span.column, code)
        for f in findings
        for code in replaces.get(f.code, ())
    }
    for finding in findings:
        span = finding.place.span
        if (finding.place.file, span.line, span.column, finding.code) not in replaced:
            yield finding


class _Judged:
    """Findings parted by what suppresses them."""

    def __init__(self, tree: LintTree, findings: Iterable[Finding]) -> None:
        self.kept: list[Finding] = []
        self.used: set[tuple[Suppression, str]] = set()
        self.used_waivers: set[Waiver] = set()
        self._comments = {(s.file, s.line, n): s for s in tree.suppressions for n in s.names}
        self._waivers: dict[tuple[str | None, str, str], Waiver] = {}
        for waiver in tree.repository.waivers:
            if not waiver.is_expired(today=tree.today):
                self._waivers.setdefault((waiver.rule, *file_and_case(waiver, tree)), waiver)
        narrow = any(case for _, _, case in self._waivers)
        self._cases = CasesByLine(tree) if narrow else None
        if not self._comments and not self._waivers:
            self.kept += findings
            return
        for finding in findings:
            if not self._suppressed(finding):
                self.kept.append(finding)

    def _suppressed(self, finding: Finding) -> bool:
        waiver = self._waiver(finding)
        if waiver is not None:
            self.used_waivers.add(waiver)
            return True
        if finding.sealed:
            return False
        for line in {finding.place.span.line, finding.place.key_line or WHOLE_FILE, WHOLE_FILE}:
            comment = self._comments.get((finding.place.file, line, finding.name))
            if comment is not None:
                self.used.add((comment, finding.name))
                return True
        return False

    def _waiver(self, finding: Finding) -> Waiver | None:
        """The waiver of the finding's file, else that of the golden case it lies in."""
        of_file = self._waivers.get((finding.code, finding.place.file, ""))
        if of_file is not None or self._cases is None:
            return of_file
        case = self._cases.at(finding.place)
        return self._waivers.get((finding.code, finding.place.file, case))
