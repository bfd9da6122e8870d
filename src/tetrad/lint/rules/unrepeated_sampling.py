"""Allow unrepeated-sampling: a gate on answers that are sampled only once.

## What it does
Reports suites with a gate whose stacks sample (`temperature` above 0) and whose cases run once, and
stacks that sample without a `seed` where the engine takes one (torch and vLLM).

## Why is this bad?
The same change can pass today and fail tomorrow: one sample says little about what users get.

## Example
```yaml
# prompts/reply.yaml
generation: {temperature: 0.7, max_tokens: 200}
# evals/reply/golden.yaml
- {vars: {message: Where is it?}, assert: [{type: contains, value: tracking}]}
```

## Use instead
```yaml
# prompts/reply.yaml
generation: {temperature: 0.7, max_tokens: 200, seed: 7}
# evals/reply/golden.yaml
- {vars: {message: Where is it?}, repeats: 5, assert: [{type: contains, value: tracking}]}
```
"""

from __future__ import annotations

from collections.abc import Iterator

from tetrad.lint.finding import Finding
from tetrad.lint.goldens import suites
from tetrad.lint.rule import Rule
from tetrad.lint.tree import LintTree, Part
from tetrad.model import Stack, Suite, TorchEngine, VllmEngine


def check(tree: LintTree) -> Iterator[Finding]:
    for suite in suites(tree):
        if suite.gate and suite.golden.cases:
            yield from _of_suite(tree, suite)


def _of_suite(tree: LintTree, suite: Suite) -> Iterator[Finding]:
    document = tree.documents[suite.location.file]
    place = tree.key(Part(document, ("gate",), document.value.get("gate")))
    once = all(case.repeats == 1 for case in suite.golden.cases)
    for stack in suite.stacks:
        temperature = stack.generation.temperature or 0
        if temperature <= 0:
            continue
        if once:
            message = f"{stack.ref} samples at temperature {temperature:g}, and each case runs once"
            yield RULE.at(place, message, hint="add repeats: 5 to the cases, or temperature: 0")
        if _takes_seed(stack) and stack.generation.seed is None:
            message = f"{stack.ref} samples at temperature {temperature:g} without a seed"
            yield RULE.at(place, message, hint="add seed: to its generation")


def _takes_seed(stack: Stack) -> bool:
    return isinstance(stack.model.engine, TorchEngine | VllmEngine)


RULE = Rule(
    code="DET801",
    name="unrepeated-sampling",
    summary="a gate on sampled answers without repeats, or without a seed",
    scope="repository",
    check=check,
)
