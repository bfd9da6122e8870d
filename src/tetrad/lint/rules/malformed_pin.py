"""Allow malformed-pin: a malformed revision or digest, or an image tag without a digest.

## What it does
Reports Hugging Face revisions that are not 40 lower-case hexadecimal digits, digests that are not
`sha256:` and 64 of them, and images with a tag only.

## Why is this bad?
A short revision or a tag can refer to something else tomorrow, and a digest that no file can have
verifies nothing (OWASP LLM03, supply chain).

## Example
```yaml
source: hf://Qwen/Qwen3-8B@v1.0
engine: {vllm: {image: "vllm/vllm-openai:v0.11.0"}}
```

## Use instead
```yaml
source: hf://Qwen/Qwen3-8B@b968826d9c46dd6066d109eabc6255188de91218
engine: {vllm: {image: "vllm/vllm-openai@sha256:…"}}
```
`tetrad pin FILE` resolves what is written and writes the pin.
"""

from __future__ import annotations

from collections.abc import Iterator

from tetrad.lint.finding import Edit, Finding, Fix
from tetrad.lint.pins import (
    FLOATING,
    how_to_pin,
    image_tag,
    is_digest,
    is_pinned_image,
    is_revision,
    loaded_by,
    sources_of,
    written_source,
)
from tetrad.lint.rule import Rule
from tetrad.lint.tree import LintTree, Part


def check(tree: LintTree) -> Iterator[Finding]:
    for model in tree.components("model"):
        for part, uri in sources_of(model):
            yield from _of_source(tree, part, uri)
        for part in _digests_of_model(model):
            hint = how_to_pin(part, "write the whole digest")
            yield from _of_digest(tree, part, hint)
        image = model.get("engine", "vllm", "image")
        if image is not None and image.text is not None and _is_unpinned(image.text):
            yield RULE.at(
                tree.value(image),
                f"the image has the tag {image_tag(image.text)!r} and no digest",
                hint="write @sha256: and the image's digest",
            )
    for corpus in tree.components("corpus"):
        digest = corpus.get("digest")
        if digest is not None:
            yield from _of_digest(tree, digest, "run `tetrad lock`, which writes it")


def _digests_of_model(model: Part) -> Iterator[Part]:
    for holder in loaded_by(model):
        files = holder.get("files")
        if files is not None:
            yield from files.parts()
        data = holder.get("training_data")
        if data is not None:
            yield data
    fingerprint = model.get("fingerprint", "digest")
    if fingerprint is not None:
        yield fingerprint


def _of_source(tree: LintTree, part: Part, uri: str) -> Iterator[Finding]:
    source = written_source(uri)
    if source.scheme == "oci" and _is_unpinned(source.name):
        message = f"the image has the tag {image_tag(source.name)!r} and no digest"
        yield RULE.at(tree.value(part), message, hint="write @sha256: and the image's digest")
        return
    pin = source.pin
    if source.scheme != "hf" or not pin or pin.lower() in FLOATING or is_revision(pin):
        return  # what floats is another rule's finding
    yield RULE.at(
        tree.value(part),
        f"the revision {pin!r} is not 40 lower-case hexadecimal digits",
        hint=how_to_pin(part, "write the whole commit"),
        fix=_lower_case(part, pin) if is_revision(pin.lower()) else None,
    )


def _of_digest(tree: LintTree, part: Part, hint: str) -> Iterator[Finding]:
    written = part.text
    if written is None or is_digest(written):
        return
    yield RULE.at(
        tree.value(part),
        f"{written!r} is not sha256: and 64 lower-case hexadecimal digits",
        hint=hint,
        fix=_lower_case(part, written) if is_digest(written.lower()) else None,
    )


def _lower_case(part: Part, written: str) -> Fix | None:
    span = part.document.span(part.path)
    start = part.document.text.find(written, span.start, span.end)
    if start < 0:
        return None
    edit = Edit(file=part.file, start=start, end=start + len(written), text=written.lower())
    return Fix(title="write it in lower case", edits=(edit,), safe=True)


def _is_unpinned(image: str) -> bool:
    return not is_pinned_image(image) and image_tag(image).lower() not in FLOATING


RULE = Rule(
    code="PIN902",
    name="malformed-pin",
    summary="a malformed revision or digest, or an image tag without a digest",
    sealed=True,
    fixable="safe",
    replaces=("SCH104",),
    check=check,
)
