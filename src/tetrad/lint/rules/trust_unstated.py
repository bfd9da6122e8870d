"""Allow trust-unstated: variables without an explicit `trust`.

## What it does
Reports, once per prompt, the variables without `trust`. Integers, numbers, booleans and variables
with an `enum` are not reported: they cannot carry instructions.

The fix adds `trust: untrusted` to free text. Variables that look like settings (a language, a date, a
limit, a product name) are left to you: write `trust: trusted` if only your own code sets them.

## Why is this bad?
At run time, a variable without `trust` is untrusted, so no guardrail is weaker. But lint cannot tell
user input from your own settings, and only warns where it would otherwise report an error.

## Example
```yaml
variables:
  question: {type: string}
  language: {type: string}
```

## Use instead
```yaml
variables:
  question: {type: string, trust: untrusted}
  language: {type: string, trust: trusted}
```
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tetrad.lint.finding import Edit, Finding, Fix
from tetrad.lint.prompts import let_through, may_hold_text, prompts_asked
from tetrad.lint.rule import Rule
from tetrad.lint.settings_like import is_setting
from tetrad.lint.tree import LintTree, Part
from tetrad.model import Prompt, Variable
from tetrad.yamldoc.document import Document


def check(tree: LintTree) -> Iterator[Finding]:
    for prompt in prompts_asked(tree):
        document = tree.documents.get(prompt.location.file)
        unstated = _unstated(prompt)
        if document is None or not unstated:
            continue
        one = len(unstated) == 1
        yield RULE.at(
            tree.key(Part(document, ("variables",), None)),
            f"the trust of {_listed(unstated)} is not stated",
            hint=f"write trust: untrusted where others fill {'it' if one else 'them'}, "
            "trust: trusted where only your own code does",
            fix=_statements(tree, prompt, document, unstated),
        )


def _unstated(prompt: Prompt) -> list[Variable]:
    """The variables that the prompt's own file declares so; others are their own file's."""
    return [
        variable
        for variable in prompt.variables.values()
        if not variable.trust_stated
        and may_hold_text(variable)
        and variable.location.file == prompt.location.file
    ]


def _listed(variables: Sequence[Variable]) -> str:
    *others, last = [repr(variable.name) for variable in variables]
    return f"{', '.join(others)} and {last}" if others else last


def _statements(
    tree: LintTree, prompt: Prompt, document: Document, variables: Sequence[Variable]
) -> Fix | None:
    """`trust: untrusted` beside every free text that no message writes as a setting."""
    settings = let_through(tree, prompt) | {v.name for v in variables if is_setting(v)}
    edits = [
        edit
        for variable in variables
        if variable.name not in settings
        and (edit := _statement(document, variable.name)) is not None
    ]
    if not edits:
        return None
    return Fix(title="write trust: untrusted beside free text", edits=tuple(edits), safe=False)


def _statement(document: Document, name: str) -> Edit | None:
    written = "trust: untrusted"
    node = document.root.children["variables"].children.get(name)
    key = document.key_span(("variables", name))
    if node is None or key is None:
        return None
    if node.value is None:
        is_bare = document.text[key.end : key.end + 1] == ":" and node.start == node.end
        start = end = key.end + 1
        text = f" {{{written}}}" if is_bare else ""
    elif not node.children:
        start, end, text = node.start, node.end, f"{{{written}}}"
    elif node.flow:
        start = end = max(child.end for child in node.children.values())
        text = f", {written}"
    else:
        first = min(span.start for span in node.keys.values())
        start = end = first
        text = f"{written}\n{' ' * (document.location(first).column - 1)}"
    return Edit(file=document.origin, start=start, end=end, text=text) if text else None


RULE = Rule(
    code="INJ300",
    name="trust-unstated",
    summary="variables without an explicit `trust`",
    severity="warning",
    fixable="unsafe",
    check=check,
)
