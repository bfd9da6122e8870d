"""Allow unsafe-weights: weights that are neither safetensors nor GGUF, or code next to them.

## What it does
Reports files of a model or an adapter that hold weights in another format (`.bin`, `.pt`, `.ckpt`,
`.pkl`, `.h5`, …) or Python code, and `trust_remote_code` anywhere in the file.

## Why is this bad?
Unpickling runs whatever code the file contains, and `trust_remote_code` runs the code next to it
(OWASP LLM03, supply chain).

## Example
```yaml
files: {pytorch_model.bin: "sha256:…"}
```

## Use instead
```yaml
files: {model.safetensors: "sha256:…"}
```
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from tetrad.lint.finding import Finding
from tetrad.lint.pins import loaded_by
from tetrad.lint.rule import Rule
from tetrad.lint.tree import LintTree, Part

_WEIGHTS = (
    *("bin", "pt", "pth", "ckpt", "pkl", "pickle", "joblib", "dill", "t7", "mar"),  # pickles
    *("npy", "npz", "h5", "hdf5", "keras", "pb", "onnx", "tflite", "msgpack", "pdparams"),
)
_REMOTE_CODE = r"trust[-_]remote[-_]code\Z"


def check(tree: LintTree) -> Iterator[Finding]:
    for model in tree.components("model"):
        for part in model.walk():
            yield from _remote_code(tree, part)
        for holder in loaded_by(model):
            yield from _files(tree, holder)


def _files(tree: LintTree, holder: Part) -> Iterator[Finding]:
    files = holder.get("files")
    named = {} if files is None else {str(part.path[-1]): part for part in files.parts()}
    for name, part in named.items():
        yield from _file(tree, part, name, at_key=True)
    source = holder.get("source")
    if source is not None and source.text is not None and "://" in source.text:
        scheme, _, rest = source.text.partition("://")
        if scheme in {"https", "s3", "gs", "file"} and not named:
            yield from _file(tree, source, rest.partition("?")[0], at_key=False)


def _file(tree: LintTree, part: Part, name: str, *, at_key: bool) -> Iterator[Finding]:
    place = tree.key(part) if at_key else tree.value(part)
    ending = name.rpartition(".")[2].lower()
    if ending in _WEIGHTS:
        message = f"{name!r} is neither safetensors nor GGUF"
        yield RULE.at(place, message, hint="use the safetensors or GGUF file of the same model")
    elif ending == "py":
        message = f"{name!r} is code that comes with the weights"
        yield RULE.at(
            place, message, hint="remove it, and use a model whose architecture is built in"
        )


def _remote_code(tree: LintTree, part: Part) -> Iterator[Finding]:
    last = part.path[-1] if part.path else ""
    named = isinstance(last, str) and re.match(_REMOTE_CODE, last) and part.value is not False
    flagged = part.text is not None and re.search(_REMOTE_CODE, part.text.partition("=")[0])
    if named or flagged:
        message = "trust_remote_code runs whatever code the source contains"
        yield RULE.at(tree.key(part), message, hint="use a model whose architecture is built in")


RULE = Rule(
    code="PIN903",
    name="unsafe-weights",
    summary="weights that are neither safetensors nor GGUF, or code next to them",
    sealed=True,
    replaces=("SCH104",),
    check=check,
)
