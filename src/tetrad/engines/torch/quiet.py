"""Transformers without its talk: no bars, no advice on stderr, and no network."""

from __future__ import annotations

import os


def quieten() -> None:
    """Silence transformers and keep it offline; called before anything is loaded.

    The variables are read at its import, the calls work afterwards: both, because another
    library of the process may have imported it first.
    """
    os.environ["HF_HUB_OFFLINE"] = "1"
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    from transformers.utils import logging

    logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
