"""Attention over a prefix that rows share and the tokens that each row has of its own.

A prefix' keys and values exist once, whatever the number of its rows: the queries of all of them
meet it in one matrix product. Both parts are joined by their log-sum-exp, which is exact. The
function is registered with transformers, so every model that takes attention functions has it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import torch
from torch import Tensor
from transformers import AttentionInterface, Cache

NAME = "tetrad_shared_prefix"


@dataclass(frozen=True, kw_only=True, slots=True)
class Shape:
    """What a model keeps of a token: layers, key-value heads and their width."""

    layers: int
    heads: int
    width: int
    dtype: torch.dtype
    device: torch.device

    @property
    def bytes_per_token(self) -> int:
        return 2 * self.layers * self.heads * self.width * self.dtype.itemsize

    def zeros(self, *, rows: int, columns: int) -> Tensor:
        # zeros, because a weight of nought times an uninitialised infinity is not nought
        return torch.zeros(
            (self.layers, rows, self.heads, columns, self.width),
            dtype=self.dtype,
            device=self.device,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Prefix:
    """Keys and values of the tokens that rows begin with: [layers, heads, tokens, width]."""

    tokens: tuple[int, ...]
    keys: Tensor
    values: Tensor

    def __len__(self) -> int:
        return len(self.tokens)

    def cut(self, length: int) -> Prefix:
        """The first tokens of it, which causal attention makes valid on their own."""
        return Prefix(
            tokens=self.tokens[:length],
            keys=self.keys[:, :, :length],
            values=self.values[:, :, :length],
        )

    def copied(self) -> Prefix:
        """The same with memory of its own."""
        return Prefix(tokens=self.tokens, keys=self.keys.clone(), values=self.values.clone())


# Which rows follow which prefix; a row that is named nowhere follows none.
Shared: TypeAlias = Sequence[tuple[Prefix, Sequence[int]]]


class OwnTokens(Cache):
    """Keys and values that rows have of their own: [layers, rows, heads, columns, width].

    Row r holds `lengths[r]` tokens from column 0 on; what lies behind them is never looked at.
    There may be room for more rows and columns than are used.
    """

    def __init__(self, shape: Shape, *, rows: int, columns: int) -> None:
        super().__init__(layers=[])
        self.shape = shape
        self.lengths: list[int] = []
        self.keys = shape.zeros(rows=rows, columns=columns)
        self.values = shape.zeros(rows=rows, columns=columns)
        self._at: int | Tensor = 0
        self._used = 0

    def add_rows(self, count: int) -> None:
        """Begin empty rows."""
        self._make_room(rows=len(self.lengths) + count, columns=0)
        self.lengths += [0] * count

    def absorb(self, other: OwnTokens) -> None:
        """Take over another's rows, behind the own ones."""
        first, count = len(self.lengths), len(other.lengths)
        width = max(other.lengths, default=0)
        self._make_room(rows=first + count, columns=width)
        self.keys[:, first : first + count, :, :width] = other.keys[:, :count, :, :width]
        self.values[:, first : first + count, :, :width] = other.values[:, :count, :, :width]
        self.lengths += other.lengths

    def remove(self, row: int) -> None:
        """Drop a row; the last one takes its place."""
        last = len(self.lengths) - 1
        if row != last:
            self.keys[:, row] = self.keys[:, last]
            self.values[:, row] = self.values[:, last]
            self.lengths[row] = self.lengths[last]
        self.lengths.pop()

    def fork(self, rows: Sequence[int], *, room: int) -> OwnTokens:
        """Copies of rows, in the order given and as often as given, with room for more tokens."""
        lengths = [self.lengths[row] for row in rows]
        width = max(lengths, default=0)
        copy = OwnTokens(self.shape, rows=len(rows), columns=width + room)
        index = torch.tensor(rows, device=self.shape.device)
        copy.keys[:, :, :, :width] = self.keys[:, index, :, :width]
        copy.values[:, :, :, :width] = self.values[:, index, :, :width]
        copy.lengths = lengths
        return copy

    def prefix(self, row: int) -> tuple[Tensor, Tensor]:
        """The keys and values of a row's tokens: [layers, heads, tokens, width]."""
        length = self.lengths[row]
        return self.keys[:, row, :, :length].clone(), self.values[:, row, :, :length].clone()

    def begin(self, tokens: int) -> Tensor:
        """Prepare a pass of so many new tokens a row; gives what the new tokens see of the columns.

        The rows must hold the same number of tokens, or the pass be of one token.
        """
        device = self.shape.device
        longest = max(self.lengths)
        self._used = longest + tokens
        self._make_room(rows=0, columns=self._used)
        at = torch.tensor(self.lengths, device=device)
        self._at = longest if longest == min(self.lengths) else at
        new = at[:, None] + torch.arange(tokens, device=device)
        return torch.arange(self._used, device=device) <= new[:, :, None]

    def end(self, counts: Sequence[int]) -> None:
        """Count the new tokens of each row that are real; the others were padding."""
        self.lengths = [old + new for old, new in zip(self.lengths, counts, strict=True)]

    def update(
        self, key_states: Tensor, value_states: Tensor, layer_idx: int, *_: Any, **__: Any
    ) -> tuple[Tensor, Tensor]:
        """Write a layer's new tokens and give all columns in use; called by the model's layers."""
        rows = len(self.lengths)
        keys, values = self.keys[layer_idx, :rows], self.values[layer_idx, :rows]
        if isinstance(self._at, int):
            keys[:, :, self._at : self._used] = key_states
            values[:, :, self._at : self._used] = value_states
        else:
            row = torch.arange(rows, device=keys.device)
            keys[row, :, self._at] = key_states[:, :, 0]
            values[row, :, self._at] = value_states[:, :, 0]
        return keys[:, :, : self._used], values[:, :, : self._used]

    def _make_room(self, *, rows: int, columns: int) -> None:
        old_rows, old_columns = self.keys.shape[1], self.keys.shape[3]
        if rows <= old_rows and columns <= old_columns:
            return
        # a quarter more columns than asked for: rows grow by one token at a time
        wider = columns + columns // 4 + 8 if columns > old_columns else old_columns
        used = max(self.lengths, default=0)
        for name in ("keys", "values"):
            grown = self.shape.zeros(rows=max(rows, old_rows), columns=wider)
            grown[:, :old_rows, :, :used] = getattr(self, name)[:, :, :, :used]
            setattr(self, name, grown)


def attend(
    module: torch.nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    *,
    scaling: float | None = None,
    shared: Shared,
    visible: Tensor,
    **_: Any,
) -> tuple[Tensor, None]:
    """Attend to the prefixes, and to the own columns that are `visible` [rows, tokens, columns].

    The signature, up to `scaling`, is what transformers calls; the rest is passed through the
    model's forward.
    """
    del attention_mask
    rows, heads, tokens, width = query.shape
    kept = key.shape[1]
    scale = width**-0.5 if scaling is None else scaling
    # heads that use the same keys and values stand beside each other: their queries become rows
    grouped = (query * scale).reshape(rows, kept, heads // kept * tokens, width)
    hidden = ~visible.repeat(1, heads // kept, 1)[:, None]
    out, weight = _own(grouped, key, value, hidden)
    layer: int = module.layer_idx  # type: ignore[assignment]  # transformers numbers its layers
    for prefix, members in shared:
        own = slice(None) if len(members) == rows else torch.tensor(members, device=query.device)
        before, before_weight = _shared(grouped[own], prefix.keys[layer], prefix.values[layer])
        share = torch.sigmoid(weight[own] - before_weight).to(out.dtype)
        out[own] = torch.lerp(before, out[own], share[..., None])
    return out.reshape(rows, heads, tokens, width).transpose(1, 2).contiguous(), None


def _own(query: Tensor, key: Tensor, value: Tensor, hidden: Tensor) -> tuple[Tensor, Tensor]:
    scores = torch.matmul(query, key.transpose(-1, -2)).float()
    scores = scores.masked_fill_(hidden, float("-inf"))
    return _weighed(scores, value)


def _shared(query: Tensor, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
    """All rows' queries against keys that exist once: one product a head."""
    rows, heads, queries, width = query.shape
    together = query.transpose(0, 1).reshape(heads, rows * queries, width)
    if together.device.type == "cpu":
        # one kernel that gives both, and keeps no scores
        out, weight = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu(  # noqa: SLF001
            together[None], key[None], value[None], 0.0, is_causal=False, scale=1.0
        )
    else:
        out, weight = _weighed(torch.matmul(together, key.transpose(-1, -2)).float(), value)
    return (
        out.view(heads, rows, queries, width).transpose(0, 1),
        weight.view(heads, rows, queries).transpose(0, 1),
    )


def _weighed(scores: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
    """Values weighed by the softmax of their scores, and the logarithm of its denominator."""
    weight = torch.logsumexp(scores, dim=-1)
    chances = torch.exp(scores - weight[..., None]).to(value.dtype)
    return torch.matmul(chances, value), weight


AttentionInterface.register(NAME, attend)
