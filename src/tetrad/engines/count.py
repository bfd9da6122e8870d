"""How many tokens a text has for a model: by its own tokenizer where that is at hand, or pinned.

Loads neither weights nor torch, but to convert a GGUF file.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache, lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from tetrad.artifacts.fetch import fetch
from tetrad.artifacts.progress import Progress
from tetrad.artifacts.store import Store
from tetrad.engines.tokens import tokenizer_at
from tetrad.engines.torch.convert import converted, converted_tokenizer
from tetrad.engines.torch.folder import gguf_of, tokenizer_of
from tetrad.errors import EngineUnavailable, MissingExtra
from tetrad.model import Model, TorchEngine
from tetrad.trees import FileTree

if TYPE_CHECKING:
    from tokenizers import Tokenizer


def count_tokens(model: Model, text: str, store: Store) -> tuple[int, bool]:
    """The number of tokens, and whether it is exact; nothing is fetched for it.

    Without a tokenizer that can be read it is the number of UTF-8 bytes, which no tokenizer in use
    exceeds.
    """
    path = _tokenizer_file(model, store) if find_spec("tokenizers") is not None else None
    try:
        tokenizer = None if path is None else _tokenizer(path)
    except EngineUnavailable:  # whoever runs the model is told
        tokenizer = None
    if tokenizer is None:
        return len(text.encode()), False
    return len(tokenizer.encode(text, add_special_tokens=False).ids), True


def _tokenizer_file(model: Model, store: Store) -> Path | None:
    """The pinned tokenizer.json, or that of the GGUF file's conversion; None where not fetched."""
    name = tokenizer_of(model.files)
    if name is not None:
        return store.load(model.files[name])
    ggufs = [digest for file, digest in model.files.items() if file.endswith(".gguf")]
    if len(ggufs) != 1:  # of several parts none is converted
        return None
    return converted_tokenizer(ggufs[0], cache=store.root / "torch")


def counter_of(
    model: Model,
    *,
    files: FileTree,
    store: Store,
    offline: bool = False,
    progress: Progress | None = None,
) -> Callable[[str], int]:
    """Counts by the tokenizer that the model pins, fetched when the first text is counted; UTF-8
    bytes where it pins none. What is at hand decides nothing: a count shapes what a model is shown.
    """
    root = files.folder() if model.source.scheme == "file" else Path()

    @cache
    def tokenizer() -> Tokenizer | None:
        name = _pinned(model)
        if name is None:
            return None
        if find_spec("tokenizers") is None:
            raise MissingExtra("gateway", f"counting tokens for {model.ref}")
        digest = model.files[name]
        only = replace(model, files={name: digest})
        [path] = fetch(only, store, root=root, offline=offline, progress=progress).values()
        if name.endswith(".gguf"):
            path = converted(path, digest, cache=store.root / "torch", progress=progress)
            path /= "tokenizer.json"
        return _tokenizer(path)

    def count(text: str) -> int:
        pinned = tokenizer()
        if pinned is None:
            return len(text.encode())
        return len(pinned.encode(text, add_special_tokens=False).ids)

    return count


def _pinned(model: Model) -> str | None:
    """The file that has the model's tokenizer; a GGUF file's is read by torch's engine alone."""
    if isinstance(model.engine, TorchEngine):
        return gguf_of(model.files) or tokenizer_of(model.files)
    return tokenizer_of(model.files)


_tokenizer = lru_cache(maxsize=8)(tokenizer_at)
