"""Allow stale-corpus-digest: a corpus whose documents do not match its digest.

## What it does
Computes the digest of the documents and compares it with the one in the corpus file.

## Why is this bad?
Somebody changed the documents, on purpose or not, and the file still records the old state (OWASP LLM04, data poisoning; LLM08).

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
            hint="review what changed in the documents, and run `tetrad lock`",
        )


RULE = Rule(
    code="COR951",
    name="stale-corpus-digest",
    summary="a corpus whose documents do not match its digest",
    sealed=True,
    scope="repository",
    check=check,
)
