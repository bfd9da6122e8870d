"""Allow unused-component: a prompt, model, corpus or tool that nothing uses.

## What it does
Reports components that no stack, suite or other component names.

## Why is this bad?
It looks as if it were in use, and reviewers spend time on changes that have no effect.

## Example
```yaml
# prompts/old.yaml, which no stack names
kind: prompt
```

## Use instead
```yaml
# delete the file, or use it in a stack
prompt: prompts/old
```
"""

from __future__ import annotations

from collections.abc import Iterator

from tetrad.lint.finding import Finding, Place
from tetrad.lint.positions import Range
from tetrad.lint.rule import Rule
from tetrad.lint.tree import LintTree
from tetrad.model import Repository
from tetrad.model.references import reference_of


def check(tree: LintTree) -> Iterator[Finding]:
    if not tree.whole or any(issue.blocks == "load" for issue in tree.issues):
        return
    repository, asked = tree.repository, frozenset(tree.names)
    if not repository.stacks:  # prompts alone, which another program uses
        return
    used = set(_used(repository))
    kinds = (repository.prompts, repository.models, repository.corpora, repository.tools)
    for component in (c for kind in kinds for c in kind.values()):
        file = component.location.file
        if component.ref not in used and file in asked:
            message = f"nothing uses this {type(component).__name__.lower()}"
            place = Place(file, Range(1, 1, 1, 1))
            yield RULE.at(place, message, hint="delete the file, or use it in a stack")


def _used(repository: Repository) -> Iterator[str]:
    """The references in stacks, suites and components."""
    for stack in repository.stacks.values():
        yield from (stack.prompt.ref, stack.model.ref)
        yield from (tool.ref for tool in stack.tools)
        if stack.retrieval is not None:
            yield stack.retrieval.corpus.ref
    yield from (corpus.embedding.ref for corpus in repository.corpora.values())
    for prompt in repository.prompts.values():
        own = prompt.location.file
        yield from (reference_of(s.file) for s in prompt.sources if s.file != own)
        if prompt.select is not None:
            yield prompt.select.embedding.ref
    for suite in repository.suites.values():
        for judge in suite.judges.values():
            yield judge.model.ref
            if judge.prompt is not None:
                yield judge.prompt.ref


RULE = Rule(
    code="SCH108",
    name="unused-component",
    summary="a component that nothing uses",
    severity="warning",
    scope="repository",
    check=check,
)
