"""What the runtime refuses in a template, as findings of the rule that has its code."""

from __future__ import annotations

from collections.abc import Iterator

from tetrad.lint.positions import Lines
from tetrad.lint.prompts import prompts_asked
from tetrad.lint.rule import Finding, Rule
from tetrad.lint.template import problems_of
from tetrad.lint.tree import Tree


def findings_of_templates(rule: Rule, tree: Tree) -> Iterator[Finding]:
    for prompt in prompts_asked(tree):
        for index, message in enumerate(prompt.messages):
            for problem in problems_of(message.content):
                if problem.code != rule.code:
                    continue
                lines = Lines(message.content)
                start = lines.offset(problem.line, problem.column)
                place = tree.within_message(message, index, start, start + 1)
                yield rule.at(place, problem.message, hint=problem.hint)
