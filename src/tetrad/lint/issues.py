"""The issues that the loader reports, as findings of the rule that has their code."""

from __future__ import annotations

from collections.abc import Iterator

from tetrad.lint.finding import Finding, Place
from tetrad.lint.rule import Rule
from tetrad.lint.tree import LintTree


def findings_of_issues(rule: Rule, tree: LintTree, *codes: str) -> Iterator[Finding]:
    for issue in tree.issues:
        if issue.code not in codes:
            continue
        location = issue.location
        span = tree.lines(location.file).token(location.line, location.column)
        subject = "" if issue.path == "$" else f"{issue.path}: "
        yield rule.at(Place(location.file, span), f"{subject}{issue.message}", hint=issue.hint)
