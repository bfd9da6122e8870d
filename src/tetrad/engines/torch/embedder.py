"""Sentence embeddings by a BERT-like encoder: mean over tokens, then length one.

Cutting text into tokens needs neither torch nor the weights: chunking and counting stay light.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np

from tetrad.canonical import Digest
from tetrad.engines.tokens import tokenizer_at
from tetrad.engines.torch.folder import hugging_face_files, laid_out, pooling_of
from tetrad.engines.torch.memory import lack_of_memory_told
from tetrad.engines.torch.quiet import quieten
from tetrad.errors import EngineUnavailable
from tetrad.identity import component_digest
from tetrad.model import Model, TorchEngine

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from tokenizers import Tokenizer

# Tokens of one pass, padding included: enough for full speed, little memory.
_PASS_TOKENS = 8192
_DEFAULT_MAX_TOKENS = 512


class TorchEmbedder:
    """Embeds texts with a pinned model; loaded at the first text."""

    def __init__(self, model: Model, files: Mapping[str, Path]) -> None:
        self.digest: Digest = component_digest(model)
        self._spec = model
        self._files = hugging_face_files(files)
        _refuse_other_pooling(pooling_of(files))
        self._loading = Lock()

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """One row of length one for each text; only the first tokens of an overlong text count."""
        out = np.zeros((len(texts), self._width), dtype=np.float32)
        pieces = [self._truncated(text) for text in texts]
        order = sorted(range(len(texts)), key=lambda index: len(pieces[index]))
        while order:
            taken = _pass([len(pieces[index]) for index in order])
            rows, order = order[:taken], order[taken:]
            with lack_of_memory_told("the embedder"):
                out[rows] = self._encode([pieces[index] for index in rows])
        return out

    def tokens(self, text: str) -> Sequence[tuple[int, int]]:
        """Start and end offsets, in characters, of the text's tokens; special tokens left out."""
        offsets: list[tuple[int, int]] = self._tokenizer.encode(
            text, add_special_tokens=False
        ).offsets
        return offsets

    @cached_property
    def _tokenizer(self) -> Tokenizer:
        return tokenizer_at(self._files["tokenizer.json"])

    @cached_property
    def _config(self) -> Mapping[str, Any]:
        try:
            config = json.loads(self._files["config.json"].read_bytes())
        except (ValueError, RecursionError):
            config = None
        if not isinstance(config, dict) or not isinstance(config.get("hidden_size"), int):
            raise EngineUnavailable("the model's config.json is no JSON object with a hidden_size")
        return config

    @property
    def _width(self) -> int:
        width: int = self._config["hidden_size"]
        return width

    @cached_property
    def _max_tokens(self) -> int:
        """How many tokens the model was trained to read: mostly fewer than it has positions."""
        limits = [self._config.get("max_position_embeddings"), self._spec.context_window]
        settings = self._files.get("sentence_bert_config.json")
        if settings is not None:
            limits.append(json.loads(settings.read_bytes()).get("max_seq_length"))
        return min(limit for limit in [*limits, _DEFAULT_MAX_TOKENS] if limit)

    @cached_property
    def _model(self) -> Any:
        quieten()
        import torch
        from transformers import AutoModel

        from tetrad.engines.torch.loading import load_model
        from tetrad.engines.torch.packed import pack_linears

        assert isinstance(self._spec.engine, TorchEngine)  # noqa: S101  # build.py chooses by it
        with laid_out(self._files) as folder:
            model = load_model(
                AutoModel,
                folder,
                unused="pooler.",  # of another task: the mean of tokens is taken
                dtype=getattr(torch, self._spec.engine.dtype),
                use_safetensors=True,
            )
        device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        model.requires_grad_(requires_grad=False).to(device)
        if device.type == "cpu" and self._spec.engine.dtype == "float32":
            pack_linears(model)
        return model

    def _truncated(self, text: str) -> list[int]:
        """A text's tokens with the special ones, the text cut where the model stops reading."""
        # By hand: the tokenizer's own truncation is a setting, which other threads would see.
        tokenizer = self._tokenizer
        encoded = tokenizer.encode(text, add_special_tokens=False)
        encoded.truncate(self._max_tokens - tokenizer.num_special_tokens_to_add(is_pair=False))
        whole: list[int] = tokenizer.post_process(encoded).ids
        return whole

    def _encode(self, pieces: Sequence[Sequence[int]]) -> NDArray[np.float32]:
        import torch

        with self._loading:
            model = self._model
        width = max(len(piece) for piece in pieces)
        tokens = torch.tensor([[*piece, *[0] * (width - len(piece))] for piece in pieces])
        lengths = torch.tensor([len(piece) for piece in pieces])
        mask = (torch.arange(width) < lengths[:, None]).to(model.device)
        with torch.inference_mode():
            states = model(
                input_ids=tokens.to(model.device), attention_mask=mask.long()
            ).last_hidden_state.float()
            mean = (states * mask[..., None]).sum(dim=1) / mask.sum(dim=1, keepdim=True)
            unit = torch.nn.functional.normalize(mean, dim=-1)
        rows: NDArray[np.float32] = unit.cpu().numpy()
        return rows


def _pass(lengths: Sequence[int]) -> int:
    """How many of the ascending lengths fit into one pass."""
    count = 1
    while count < len(lengths) and lengths[count] * (count + 1) <= _PASS_TOKENS:
        count += 1
    return count


def _refuse_other_pooling(settings: Path | None) -> None:
    """Refuse models whose sentence vector is not the mean of their tokens'."""
    if settings is None:
        return
    modes = {
        key.removeprefix("pooling_mode_"): value
        for key, value in json.loads(settings.read_bytes()).items()
        if key.startswith("pooling_mode_") and value
    }
    if set(modes) - {"mean_tokens"}:
        raise EngineUnavailable(
            f"the embedding model pools by {', '.join(sorted(modes))}; the torch engine knows mean_tokens"
        )
