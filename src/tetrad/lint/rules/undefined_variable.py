"""Allow undefined-variable: a template uses a variable that its prompt does not declare.

## What it does
Compares the variables that messages use with those under `variables:` and with the one that a
stack's retrieval fills (`into:`), and suggests the nearest declared name. A prompt that is only
extended by others is checked as part of them.

## Why is this bad?
Rendering an undefined variable is an error, so every request of the stack fails.

## Example
```yaml
variables:
  message: {type: string}
messages:
  - {role: user, content: "{{ mesage }}"}
```

## Use instead
```yaml
variables:
  message: {type: string}
messages:
  - {role: user, content: "{{ message }}"}
```
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress

from tetrad.lint.finding import Edit, Finding, Fix
from tetrad.lint.prompts import prompts_asked, stacks_with
from tetrad.lint.rule import Rule
from tetrad.lint.tree import LintTree
from tetrad.model import PASSAGES, Prompt
from tetrad.model.references import ReferenceRefused, reference, reference_of
from tetrad.schemas.nearest import nearest_of_each
from tetrad.templates.reading import variables_of


def check(tree: LintTree) -> Iterator[Finding]:
    built_on = _built_on(tree)
    ill = _filled_by_ill_stacks(tree)
    for prompt in prompts_asked(tree):
        if prompt.location.file in built_on and not stacks_with(tree, prompt):
            continue  # those that extend it show its messages, with variables of their own
        known = dict.fromkeys((*_known(tree, prompt), *ill.get(prompt.ref, ())))
        for index, message in enumerate(prompt.messages):
            used = variables_of(message.content)
            unknown = nearest_of_each((name for name in used if name not in known), known)
            if not unknown:
                continue
            declaration = _declaring(tree, prompt)
            for name, close in unknown.items():
                start = used[name]
                place = tree.within_message(message, index, start, start + len(name))
                declare = f"declare it under variables: in {prompt.location.file}"
                hint = f"did you mean {close}?" if close else declare
                fix = None if close else declaration(name)
                yield RULE.at(place, f"the variable {name!r} is not declared", hint=hint, fix=fix)


def _built_on(tree: LintTree) -> set[str]:
    """The files of the prompts that others extend."""
    return {
        source.file
        for prompt in tree.repository.prompts.values()
        for source in prompt.sources
        if source.file != prompt.location.file
    }


def _known(tree: LintTree, prompt: Prompt) -> tuple[str, ...]:
    filled = [name for stack in stacks_with(tree, prompt) for name in stack.filled]
    return (*prompt.variables, *filled)


def _filled_by_ill_stacks(tree: LintTree) -> Mapping[str, Sequence[str]]:
    """What stacks with faults of their own retrieve, by the prompt that they name: it is declared
    once those are fixed.
    """
    found: dict[str, list[str]] = {}
    for stack in tree.components("stack"):
        prompt, corpus = stack.get("prompt"), stack.get("corpus")
        is_ill = reference_of(stack.file) not in tree.repository.stacks
        if is_ill and corpus is not None and prompt is not None and prompt.text is not None:
            into = corpus.get("into")
            name = PASSAGES if into is None else into.text or PASSAGES
            with suppress(ReferenceRefused):
                found.setdefault(reference(prompt.text, stack.file), []).append(name)
    return found


def _declaring(tree: LintTree, prompt: Prompt) -> Callable[[str], Fix | None]:
    """How a variable is declared as untrusted text, before the first one of a block of variables."""
    document = tree.documents[prompt.location.file]
    node = document.root.children.get("variables")
    if node is None:
        key = document.root.keys.get("messages")
        start = key.start if key else None
        text = "variables:\n  {}: {{type: string, trust: untrusted}}\n"
    elif node.flow or not node.keys:
        return lambda _: None
    else:
        start = min(span.start for span in node.keys.values())
        column = document.location(start).column
        text = "{}: {{type: string, trust: untrusted}}\n" + " " * (column - 1)
    if start is None:
        return lambda _: None

    def fix(name: str) -> Fix:
        edit = Edit(file=document.origin, start=start, end=start, text=text.format(name))
        return Fix(title=f"declare {name}", edits=(edit,), safe=False)

    return fix


RULE = Rule(
    code="TPL202",
    name="undefined-variable",
    summary="a template uses a variable that its prompt does not declare",
    fixable="unsafe",
    scope="stack",
    check=check,
)
