"""Allow unused-variable: a variable that is declared and never used.

## What it does
Reports variables under `variables:` that neither a message nor `chat:`, the selection of
examples or a stack's retrieval uses. A variable that a message writes as
another language would (`<<message>>`) gets help on how to write it, and `--fix` does not remove it;
`{message}` and `${message}` are left to foreign-placeholder.

## Why is this bad?
Requests must supply a value that nothing reads, and readers of the prompt believe that it has an
effect.

## Example
```yaml
variables:
  message: {type: string}
  tone: {type: string}
messages:
  - {role: user, content: "<message>{{ message }}</message>"}
```

## Use instead
```yaml
variables:
  message: {type: string}
messages:
  - {role: user, content: "<message>{{ message }}</message>"}
```
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from tetrad.lint.finding import Edit, Finding, Fix
from tetrad.lint.placeholders import placeholders_of
from tetrad.lint.prompts import stacks_with
from tetrad.lint.rule import Rule
from tetrad.lint.tree import LintTree, Part
from tetrad.model import Prompt
from tetrad.schemas.nearest import nearest_of_each
from tetrad.templates.reading import problems_of, variables_of
from tetrad.yamldoc.parse import Document

_OTHERWISE = re.compile(r"(?<!\{)\$?\{\s*(\w+)\s*\}(?!\})|<<\s*(\w+)\s*>>")


def check(tree: LintTree) -> Iterator[Finding]:
    asked = frozenset(tree.names)
    used_somewhere = _used_by_file(tree, asked)
    for prompt in tree.repository.prompts.values():
        unused = [
            variable
            for variable in prompt.variables.values()
            if variable.location.file in asked
            and (variable.location.file, variable.name) not in used_somewhere
        ]
        near_misses = _written_otherwise(prompt) if unused else {}
        for variable in unused:
            document = tree.documents.get(variable.location.file)
            if document is None:
                continue
            part = Part(document, ("variables", variable.name), None)
            near_miss = near_misses.get(variable.name)
            yield RULE.at(
                tree.key(part),
                f"the variable {variable.name!r} is never used",
                hint=near_miss or "remove it, or use it in a message",
                fix=None if near_miss else _removal(document, variable.name),
            )


def _written_otherwise(prompt: Prompt) -> Mapping[str, str]:
    """How to write the variables that a message names in another language's way."""
    found: dict[str, str] = {}
    for message in prompt.messages:
        for written in _OTHERWISE.finditer(message.content):
            name = written[1] or written[2]
            found.setdefault(name, f"{written[0]} is text in a template: write {{{{ {name} }}}}")
    return found


def _used_by_file(tree: LintTree, asked: frozenset[str]) -> set[tuple[str, str]]:
    """Variables in use, by the file that declares them: prompts that extend it use them too."""
    return {
        (prompt.variables[name].location.file, name)
        for prompt in tree.repository.prompts.values()
        if any(variable.location.file in asked for variable in prompt.variables.values())
        for name in _used(tree, prompt)
        if name in prompt.variables
    }


def _used(tree: LintTree, prompt: Prompt) -> Iterator[str]:
    for message in prompt.messages:
        yield from _meant(message.content, prompt)
        yield from (found.name for found in placeholders_of(message.content))  # its own rule's
    if prompt.chat is not None:
        yield prompt.chat.input
    if prompt.select is not None:
        yield prompt.select.by
    for stack in stacks_with(tree, prompt):
        if stack.retrieval is not None:
            yield from (stack.retrieval.query, stack.retrieval.into)


def _meant(template: str, prompt: Prompt) -> Iterator[str]:
    """What a template reads: all there is while it does not parse, and for a typo what it meant."""
    if problems_of(template):
        yield from prompt.variables
    used = variables_of(template)
    yield from used
    unknown = (name for name in used if name not in prompt.variables)
    yield from filter(None, nearest_of_each(unknown, prompt.variables).values())


def _removal(document: Document, name: str) -> Fix | None:
    """Take the lines of a declaration out of a block; the last one is left to a person."""
    node = document.root.children.get("variables")
    if node is None or node.flow or len(node.keys) < 2 or name not in node.keys:
        return None
    text = document.text
    start = text.rfind("\n", 0, node.keys[name].start) + 1
    line_end = text.find("\n", node.children[name].end)
    end = line_end + 1 if line_end >= 0 else len(text)
    edit = Edit(file=document.origin, start=start, end=end, text="")
    return Fix(title=f"remove {name}", edits=(edit,), safe=True)


RULE = Rule(
    code="TPL203",
    name="unused-variable",
    summary="a variable that is declared and never used",
    severity="warning",
    fixable="safe",
    scope="stack",
    check=check,
)
