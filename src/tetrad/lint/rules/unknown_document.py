"""Allow unknown-document: `retrieved` names a document that no corpus of the suite has.

## What it does
Looks up the documents that `retrieved` assertions name in the corpora of the suite's stacks.

## Why is this bad?
Whatever is retrieved, the assertion cannot pass (or, as `not-retrieved`, cannot fail).

## Example
```yaml
assert:
  - {type: retrieved, value: leaves.md}
```

## Use instead
```yaml
assert:
  - {type: retrieved, value: leave.md}
```
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from tetrad.assertions.forms import is_templated
from tetrad.assertions.types.retrieved import RETRIEVED
from tetrad.canonical import Json
from tetrad.lint.finding import Finding
from tetrad.lint.goldens import place, suites_of_golden_sets
from tetrad.lint.rule import Rule
from tetrad.lint.tree import LintTree
from tetrad.model import Corpus, Suite, assertions_of
from tetrad.schemas.nearest import did_you_mean


def check(tree: LintTree) -> Iterator[Finding]:
    for suite in suites_of_golden_sets(tree):
        yield from _unknown(tree, suite)


def _unknown(tree: LintTree, suite: Suite) -> Iterator[Finding]:
    corpora = {s.retrieval.corpus.ref: s.retrieval.corpus for s in suite.stacks if s.retrieval}
    if not corpora:
        return
    ids = [name for corpus in corpora.values() for name in _documents(tree, corpus)]
    which = " and ".join(corpora)
    folders = " or ".join(corpus.documents.path for corpus in corpora.values())
    for case in suite.golden.cases:
        for item in assertions_of(case):
            if item.type != RETRIEVED.name or is_templated(item.value):
                continue
            for name in (name for name in _names(item.value) if name not in ids):
                yield RULE.at(
                    place(tree, item.location),
                    f"{which} {'have' if len(corpora) > 1 else 'has'} no document {name!r}",
                    hint=_meant(name, ids) or f"write its path below {folders}, with the extension",
                )


def _documents(tree: LintTree, corpus: Corpus) -> Iterator[str]:
    prefix = f"{corpus.documents.path}/"
    return (file.removeprefix(prefix) for file in tree.corpus_files.get(corpus.ref, ()))


def _names(value: Json) -> Sequence[str]:
    """The documents that are listed; a text of several is left to the evaluation."""
    if isinstance(value, str):
        return () if "," in value or '"' in value else (value.strip(),)
    return [name for name in value if isinstance(name, str)] if isinstance(value, list) else ()


def _meant(name: str, ids: Collection[str]) -> str:
    """The document that is named from elsewhere, or without its folder; else the nearest."""
    ends = (i for i in ids if f"/{name}".endswith(f"/{i}") or f"/{i}".endswith(f"/{name}"))
    same = next(ends, None)
    return f"did you mean {same}?" if same else did_you_mean(name, ids)


RULE = Rule(
    code="GLD991",
    name="unknown-document",
    summary="`retrieved` names a document that no corpus of the suite has",
    check=check,
)
