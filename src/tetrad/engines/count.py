"""How many tokens a text has for a model: by its own tokenizer where that is at hand.

Loads neither weights nor torch, and fetches nothing.
"""

from __future__ import annotations

from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from tetrad.artifacts.store import Store
from tetrad.engines.torch.convert import converted_tokenizer
from tetrad.engines.torch.folder import gguf_of, tokenizer_of
from tetrad.spec.model import Model

if TYPE_CHECKING:
    from tokenizers import Tokenizer


def count_tokens(model: Model, text: str, store: Store) -> tuple[int, bool]:
    """The number of tokens, and whether it is exact.

    Without the tokenizer it is the number of UTF-8 bytes, which no tokenizer in use exceeds.
    """
    path = _tokenizer_file(model, store) if find_spec("tokenizers") is not None else None
    if path is None:
        return len(text.encode()), False
    return len(_tokenizer(path).encode(text, add_special_tokens=False).ids), True


def _tokenizer_file(model: Model, store: Store) -> Path | None:
    """The pinned tokenizer.json, or that of the GGUF file's conversion; None where not fetched."""
    name = tokenizer_of(model.files)
    if name is not None:
        return store.load(model.files[name])
    gguf = gguf_of(model.files)
    if gguf is None:
        return None
    return converted_tokenizer(model.files[gguf], cache=store.root / "torch")


@lru_cache(maxsize=8)
def _tokenizer(path: Path) -> Tokenizer:
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(path))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer
