"""Allow unguarded-proof: an environment in Kubernetes asks for proof, and anybody may write what is proven.

## What it does
Reports environments with `target: kubernetes` and `requires` that lack `kubernetes.deployer`.

## Why is this bad?
The cluster refuses models and snapshots that are not on the list of what is proven, whoever applies them.
Without `kubernetes.deployer`, every account that may write ConfigMaps of the namespace may also add to that list.

## Example
```yaml
kind: environment
target: kubernetes
kubernetes: {context: prod, namespace: llm}
requires: {evidence: {signers: [ci]}}
```

## Use instead
```yaml
kind: environment
target: kubernetes
kubernetes:
  context: prod
  namespace: llm
  deployer: system:serviceaccount:argocd:deployer
requires: {evidence: {signers: [ci]}}
```

The account is the one that applies, as the API server names it: `kubectl auth whoami` says it.
"""

from __future__ import annotations

from collections.abc import Iterator

from tetrad.lint.finding import Finding
from tetrad.lint.rule import Rule
from tetrad.lint.tree import LintTree


def check(tree: LintTree) -> Iterator[Finding]:
    for environment in tree.components("environment"):
        target, requires = environment.get("target"), environment.get("requires")
        if target is None or target.text != "kubernetes" or requires is None or not requires.value:
            continue
        if environment.get("kubernetes", "deployer") is None:
            message = "any account that may write ConfigMaps may write what is proven"
            hint = "name the account that applies: kubernetes: {deployer: …}"
            yield RULE.at(tree.key(requires), message, hint=hint)


RULE = Rule(
    code="SRV974",
    name="unguarded-proof",
    summary="an environment in Kubernetes asks for proof, and anybody may write what is proven",
    severity="warning",
    check=check,
)
