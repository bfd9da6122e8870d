"""What is wrong with templates, which the loader reports, as findings of the rule of its code."""

from __future__ import annotations

from collections.abc import Iterator

from tetrad.lint.finding import Finding
from tetrad.lint.rule import Rule
from tetrad.lint.tree import LintTree


def findings_of_templates(rule: Rule, tree: LintTree) -> Iterator[Finding]:
    """A finding marks the character at which a template is wrong."""
    for issue in tree.issues:
        if issue.code == rule.code:
            location = issue.location
            start = tree.lines(location.file).offset(location.line, location.column)
            place = tree.place(location.file, start, start + 1)
            yield rule.at(place, issue.message, hint=issue.hint)
