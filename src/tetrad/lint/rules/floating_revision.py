"""Allow floating-revision: a model that can change without a commit.

## What it does
Reports sources without a revision or version, with a branch or alias (`main`, `latest`), vendor
model names without a date, and servers whose weights are not pinned (`endpoint://`). The last is a
warning, or an error for a stack in an environment whose target is kubernetes.

## Why is this bad?
The answers change while the identity does not: what is served is no longer what was evaluated (OWASP LLM03, supply chain).

## Example
```yaml
source: vendor://openai/gpt-4o
```

## Use instead
```yaml
source: vendor://openai/gpt-4o-2024-08-06
```
`tetrad pin FILE` asks the source for its revision now and writes it, with the digest of every file.
`--fix` does not: lint asks nobody, so that the same files always get the same findings and fixes.
"""

from __future__ import annotations

from collections.abc import Iterator

from tetrad.lint.finding import Finding
from tetrad.lint.pins import (
    FLOATING,
    how_to_pin,
    image_tag,
    is_dated,
    is_exact_version,
    is_pinned_image,
    sources_of,
    written_source,
)
from tetrad.lint.rule import Rule
from tetrad.lint.tree import LintTree, Part
from tetrad.model import Stack


def check(tree: LintTree) -> Iterator[Finding]:
    kubernetes = {
        ref.rsplit("/", 1)[-1]
        for ref, environment in tree.repository.environments.items()
        if environment.target == "kubernetes"
    }
    serving = [s for s in tree.repository.stacks.values() if kubernetes & set(s.environments)]
    for model in tree.components("model"):
        for part, uri in sources_of(model):
            yield from _of_source(tree, part, uri, serving)
        yield from _of_engine(tree, model)


def _of_source(tree: LintTree, part: Part, uri: str, serving: list[Stack]) -> Iterator[Finding]:
    source = written_source(uri)
    place = tree.value(part)
    if source.scheme == "endpoint":
        yield from _of_endpoint(tree, part, uri, serving)
    elif source.scheme == "hf" and (not source.pin or source.pin.lower() in FLOATING):
        what = f"the branch {source.pin!r} moves" if source.pin else f"{uri!r} names no revision"
        hint = how_to_pin(part, "write @ and the 40 digits of a commit")
        yield RULE.at(place, what, hint=hint)
    elif source.scheme == "pypi" and not is_exact_version(source.pin):
        hint = how_to_pin(part, "write ==VERSION after the name")
        yield RULE.at(place, f"{uri!r} names no version", hint=hint)
    elif source.scheme == "vendor" and not is_dated(source.name):
        yield RULE.at(place, f"{source.name!r} is an alias, not a dated version", hint=_DATED_HINT)
    elif source.scheme == "oci" and _is_floating_image(source.name):
        yield RULE.at(
            place, f"the tag {image_tag(source.name)!r} moves", hint="write @sha256: and the digest"
        )


_DATED_HINT = "name a dated version, for example gpt-4o-2024-08-06"


def _of_endpoint(tree: LintTree, part: Part, uri: str, serving: list[Stack]) -> Iterator[Finding]:
    ref = part.file.removesuffix(".yaml").removesuffix(".yml")
    stacks = [stack for stack in serving if stack.model.ref == ref]
    message = f"{uri!r} is a server whose weights are not pinned"
    for stack in stacks:
        document = tree.documents[stack.location.file]
        named = Part(document, ("model",), ref)
        yield RULE.at(
            tree.value(named),
            f"{message}, and this stack names a kubernetes environment",
            hint="serve pinned weights: engine: {vllm: …} with hf:// and a revision",
        )
    if not stacks:
        yield RULE.at(
            tree.value(part),
            message,
            hint="this is fine on a laptop, but an environment admits it only with `unpinned: true`",
            severity="warning",
            sealed=False,
        )


def _of_engine(tree: LintTree, model: Part) -> Iterator[Finding]:
    image = model.get("engine", "vllm", "image")
    if image is not None and image.text is not None and _is_floating_image(image.text):
        tag = image_tag(image.text)
        hint = "write @sha256: and the image's digest"
        yield RULE.at(tree.value(image), f"the image tag {tag!r} moves", hint=hint)
    source, name = model.get("source"), model.get("engine", "openai", "model")
    if source is None or name is None or source.text is None or name.text is None:
        return
    said = source.text.endswith(f"/{name.text}")  # by the source's finding
    if source.text.startswith("vendor://") and not said and not is_dated(name.text):
        message = f"{name.text!r} is an alias, not a dated version"
        yield RULE.at(tree.value(name), message, hint=_DATED_HINT)


def _is_floating_image(reference: str) -> bool:
    return not is_pinned_image(reference) and image_tag(reference).lower() in FLOATING


RULE = Rule(
    code="PIN901",
    name="floating-revision",
    summary="a model that can change without a commit",
    sealed=True,
    scope="repository",
    check=check,
)
