"""A model's tokenizer on its own: neither torch nor weights are loaded for it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tetrad.errors import EngineUnavailable

if TYPE_CHECKING:
    from tokenizers import Tokenizer


def tokenizer_at(path: Path) -> Tokenizer:
    """The tokenizer of a tokenizer.json, without the settings that it was exported with."""
    from tokenizers import Tokenizer

    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as error:  # the library raises nothing narrower
        raise EngineUnavailable(f"tokenizer.json cannot be read: {error}") from error
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer
