"""Sentence embeddings by a BERT-like encoder: mean over tokens, then length one.

Cutting text into tokens needs neither torch nor the weights: chunking and counting stay light.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np

from tetrad.artifacts.progress import Progress, Unwatched
from tetrad.canonical import Digest
from tetrad.engines.tokens import tokenizer_at
from tetrad.engines.torch.folder import hugging_face_files, laid_out, pooling_of
from tetrad.engines.torch.memory import lack_of_memory_told
from tetrad.engines.torch.quiet import quieten
from tetrad.engines.torch.versions import embedder_build
from tetrad.errors import EngineUnavailable
from tetrad.identity import component_digest
from tetrad.model import MOST_EMBEDDED_TOKENS, Model, TorchEngine

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from tokenizers import Encoding, Tokenizer

# Tokens of one pass, padding included: enough for full speed, little memory.
_PASS_TOKENS = 8192


class TorchEmbedder:
    """Embeds texts with a pinned model; loaded at the first text."""

    def __init__(
        self, model: Model, files: Mapping[str, Path], progress: Progress | None = None
    ) -> None:
        self.digest: Digest = component_digest(model)
        self.build = embedder_build()
        self._spec = model
        self._files = hugging_face_files(files)
        _refuse_other_pooling(pooling_of(files))
        self._loading = Lock()
        self._progress = progress or Unwatched()

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """One row of length one for each text: for a long one, the mean of its windows."""
        out = np.zeros((len(texts), self._width), dtype=np.float32)
        pieces = [[self._whole(window) for window in self._cut(text)] for text in texts]
        rows = self._rows([piece for windows in pieces for piece in windows])
        for number, windows in enumerate(pieces):
            own, rows = rows[: len(windows)], rows[len(windows) :]
            mean = own.mean(axis=0)
            out[number] = mean / np.linalg.norm(mean) if len(windows) > 1 else own[0]
        return out

    def _rows(self, pieces: Sequence[Sequence[int]]) -> NDArray[np.float32]:
        out = np.zeros((len(pieces), self._width), dtype=np.float32)
        order = sorted(range(len(pieces)), key=lambda index: len(pieces[index]))
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

    def windows(self, text: str) -> Sequence[str]:
        if len(text.encode()) <= self._room:  # a token takes at least a byte
            return [text]
        starts = [cut.offsets[0][0] for cut in self._cut(text)[1:]]
        return [text[begin:end] for begin, end in pairwise([0, *starts, len(text)])]

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
        return min(limit for limit in [*limits, MOST_EMBEDDED_TOKENS] if limit)

    @cached_property
    def _model(self) -> Any:
        loading = self._progress.start(None, "loading the embedder")
        try:
            return self._load()
        finally:
            loading.finish()

    def _load(self) -> Any:
        quieten()
        import torch
        from transformers import AutoModel

        from tetrad.engines.torch.load_model import load_model
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

    @cached_property
    def _room(self) -> int:
        """How many of a text's tokens fit beside the special ones."""
        return self._max_tokens - self._tokenizer.num_special_tokens_to_add(is_pair=False)

    def _cut(self, text: str) -> Sequence[Encoding]:
        """A text's tokens without special ones, in as few windows of one length as hold them."""
        # By hand: the tokenizer's own truncation is a setting, which other threads would see.
        encoded = self._tokenizer.encode(text, add_special_tokens=False)
        count = -(-len(encoded.ids) // self._room)
        if count > 1:
            encoded.truncate(-(-len(encoded.ids) // count))
        return [encoded, *encoded.overflowing]

    def _whole(self, window: Encoding) -> list[int]:
        """A window's tokens with the special ones."""
        tokens: list[int] = self._tokenizer.post_process(window).ids
        return tokens

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
