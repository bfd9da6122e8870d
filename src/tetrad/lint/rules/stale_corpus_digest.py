"""Allow stale-corpus-digest: a corpus whose documents are not those that its digest says.

## What it does
Computes the digest of the documents in the tree and compares it with the one that is written.

## Why is this bad?
Somebody changed what the stack answers from, on purpose or not, and the file still says the old
state (OWASP LLM04, data poisoning; LLM08).

## Example
```yaml
digest: sha256:0000000000000000000000000000000000000000000000000000000000000000
```

## Use instead
Run `tetrad lock`, which writes the digest of the tree, and look at what changed in the documents.
"""

from __future__ import annotations

from collections.abc import Iterator

from tetrad.lint.finding import Finding
from tetrad.lint.rule import Rule
from tetrad.lint.tree import LintTree, Part


def check(tree: LintTree) -> Iterator[Finding]:
    for corpus in tree.repository.corpora.values():
        if corpus.written_digest in (None, corpus.digest):
            continue
        part = Part(tree.documents[corpus.location.file], ("digest",), None)
        yield RULE.at(
            tree.value(part),
            f"the documents have the digest {corpus.digest}",
            hint="run `tetrad lock`, and look at what changed in the documents",
        )


RULE = Rule(
    code="COR951",
    name="stale-corpus-digest",
    summary="a corpus whose documents are not those that its digest says",
    sealed=True,
    scope="repository",
    check=check,
)
