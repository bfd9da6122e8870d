"""The loaded network: one forward pass over rows that may share a prefix.

Everything above it works with token ids and logits; nothing else touches transformers' models.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from tetrad.engines.torch import attention
from tetrad.engines.torch.attention import OwnTokens, Prefix, Shape, Shared
from tetrad.engines.torch.load_model import load_model
from tetrad.engines.torch.packed import pack_linears
from tetrad.engines.torch.quiet import quieten
from tetrad.errors import EngineUnavailable

# Tokens of one pass: more of them need more memory for scores and are no faster.
_CHUNK = 512


@dataclass(frozen=True, kw_only=True)
class Network:
    """A causal language model, ready to answer."""

    model: nn.Module
    shape: Shape
    end_tokens: frozenset[int]
    positions: int  # the longest text that the model was made for
    vocabulary: int

    @property
    def device(self) -> torch.device:
        return self.shape.device

    def room(self, *, rows: int, columns: int) -> OwnTokens:
        return OwnTokens(self.shape, rows=rows, columns=columns)

    @torch.inference_mode()
    def read(
        self, texts: Sequence[Sequence[int]], prefix: Prefix | None
    ) -> tuple[OwnTokens, Tensor]:
        """Read texts that follow the prefix; gives their keys and values, and the logits after each."""
        longest = max(len(text) for text in texts)
        own = self.room(rows=len(texts), columns=longest)
        own.add_rows(len(texts))
        shared = [] if prefix is None else [(prefix, range(len(texts)))]
        logits = torch.empty(
            (len(texts), self.vocabulary), dtype=self.shape.dtype, device=self.device
        )
        for start in range(0, longest, _CHUNK):
            pieces = [text[start : start + _CHUNK] for text in texts]
            ending = [0 < len(text) - start <= _CHUNK for text in texts]
            logits[torch.tensor(ending, device=self.device)] = self._pass(
                own, pieces, ending, shared
            )
        return own, logits

    @torch.inference_mode()
    def step(self, own: OwnTokens, tokens: Tensor, shared: Shared) -> Tensor:
        """Add one token to each row; gives the logits after it."""
        visible = own.begin(1)
        logits = self._forward(own, tokens[:, None], visible, shared, keep=1)
        own.end([1] * len(own.lengths))
        return logits[:, 0]

    def _pass(
        self,
        own: OwnTokens,
        pieces: Sequence[Sequence[int]],
        ending: Sequence[bool],
        shared: Shared,
    ) -> Tensor:
        """One pass over pieces of texts, padded on the right; gives logits where texts end."""
        width = max(len(piece) for piece in pieces)
        padded = [[*piece, *[0] * (width - len(piece))] for piece in pieces]
        keep = torch.zeros((len(pieces), width), dtype=torch.bool)
        for row, piece in enumerate(pieces):
            if ending[row]:
                keep[row, len(piece) - 1] = True
        full = own.lengths
        own.lengths = [max(full)] * len(full)  # rows that ended earlier are padding from here on
        visible = own.begin(width)
        tokens = torch.tensor(padded, device=self.device)
        logits = self._forward(own, tokens, visible, shared, keep=keep.to(self.device))
        own.lengths = [old + len(piece) for old, piece in zip(full, pieces, strict=True)]
        return logits

    def _forward(
        self,
        own: OwnTokens,
        tokens: Tensor,
        visible: Tensor,
        shared: Shared,
        *,
        keep: int | Tensor,
    ) -> Tensor:
        before = list(own.lengths)
        for prefix, rows in shared:
            for row in rows:
                before[row] += len(prefix)
        at = torch.tensor(before, device=self.device)
        positions = at[:, None] + torch.arange(tokens.shape[1], device=self.device)
        out: Any = self.model(
            input_ids=tokens,
            position_ids=positions,
            past_key_values=own,
            use_cache=True,
            logits_to_keep=keep,
            shared=shared,
            visible=visible,
        )
        logits: Tensor = out.logits
        return logits


def load_network(folder: Path, *, dtype: str) -> Network:
    """Load a Hugging Face folder on the best device there is."""
    quieten()
    from transformers import AutoModelForCausalLM

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    model = load_model(
        AutoModelForCausalLM,
        folder,
        dtype=getattr(torch, dtype),
        attn_implementation=attention.NAME,
        use_safetensors=True,
    )
    _refuse_unsupported(model.config)
    model.requires_grad_(requires_grad=False).to(device)  # from_pretrained gives it in eval mode
    if device.type == "cpu" and dtype == "float32":
        pack_linears(model)
    return Network(
        model=model,
        shape=_shape(model.config, getattr(torch, dtype), device),
        end_tokens=_end_tokens(model),
        positions=model.config.max_position_embeddings,
        vocabulary=model.config.vocab_size,
    )


def _refuse_unsupported(config: Any) -> None:
    """Refuse models whose attention is more than attention to all earlier tokens."""
    kinds = set(getattr(config, "layer_types", None) or ["full_attention"])
    if kinds != {"full_attention"} or getattr(config, "attn_logit_softcapping", None):
        raise EngineUnavailable(
            f"the torch engine answers with models of plain causal attention, and "
            f"{config.model_type} has {', '.join(sorted(kinds))}; serve it behind an endpoint"
        )


def _shape(config: Any, dtype: torch.dtype, device: torch.device) -> Shape:
    width = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    return Shape(
        layers=config.num_hidden_layers,
        heads=getattr(config, "num_key_value_heads", None) or config.num_attention_heads,
        width=width,
        dtype=dtype,
        device=device,
    )


def _end_tokens(model: Any) -> frozenset[int]:
    """End tokens of the model's configuration and of its generation settings, which may differ."""
    found: set[int] = set()
    for config in (model.config, model.generation_config):
        tokens = getattr(config, "eos_token_id", None)
        if tokens is not None:
            found.update([tokens] if isinstance(tokens, int) else tokens)
    return frozenset(found)
