"""How many tokens a text has for a model: by its own tokenizer where that is at hand.

Loads neither weights nor torch, and fetches nothing.
"""

from __future__ import annotations

from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from tetrad.artifacts.store import Store
from tetrad.engines.tokens import tokenizer_at
from tetrad.engines.torch.convert import converted_tokenizer
from tetrad.engines.torch.folder import tokenizer_of
from tetrad.errors import EngineUnavailable
from tetrad.model import Model


def count_tokens(model: Model, text: str, store: Store) -> tuple[int, bool]:
    """The number of tokens, and whether it is exact.

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


_tokenizer = lru_cache(maxsize=8)(tokenizer_at)
