"""Which tokens waiting requests begin with in common, and the prefixes that were read before.

Prompts of one suite share instructions and examples and differ in their last lines: reading the
common part once is the largest gain there is on a CPU.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tetrad.engines.torch.attention import Prefix
from tetrad.engines.torch.network import Network

# Fewer common tokens than this are read again sooner than looked after.
_WORTHWHILE = 16
_KEPT_BYTES = 512 << 20


@dataclass(frozen=True, slots=True)
class Common:
    """A prefix of some of the texts: its length, and which of them begin with it."""

    length: int
    members: tuple[int, ...]


def common_prefix(texts: Sequence[Sequence[int]]) -> Common:
    """The prefix of the first text that saves most tokens when its sharers are read with it.

    At least one token of every member stays outside: its logits are what is wanted.
    """
    first = texts[0]
    agreed = [min(_agreement(first, text), len(first) - 1, len(text) - 1) for text in texts]
    ordered = sorted(agreed, reverse=True)
    # of n texts that agree with the first on p tokens, all but one are spared those tokens
    length, saved = 0, 0
    for sharers, p in enumerate(ordered):
        if p * sharers > saved:
            length, saved = p, p * sharers
    if length < _WORTHWHILE:
        length = 0
    return Common(length, tuple(i for i, p in enumerate(agreed) if p >= length))


class PrefixStore:
    """Prefixes that were read, the least recently used dropped first."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._kept: list[Prefix] = []  # the most recently used last

    def get(self, tokens: tuple[int, ...]) -> Prefix | None:
        """The prefix of exactly these tokens, read from where a kept one ends; None for no tokens."""
        if not tokens:
            return None
        known = max(self._kept, key=lambda kept: _agreement(kept.tokens, tokens), default=None)
        length = 0 if known is None else _agreement(known.tokens, tokens)
        if known is not None and length == len(tokens):
            self._kept.remove(known)
            self._kept.append(known)
            return known.cut(length)
        return self._read(tokens, known.cut(length) if known is not None and length else None)

    def _read(self, tokens: tuple[int, ...], known: Prefix | None) -> Prefix:
        import torch

        rest = tokens[len(known) if known is not None else 0 :]
        own, _ = self._network.read([rest], known)
        keys, values = own.prefix(0)
        if known is not None:
            keys = torch.cat([known.keys, keys], dim=2)
            values = torch.cat([known.values, values], dim=2)
        prefix = Prefix(tokens=tokens, keys=keys, values=values)
        self._keep(prefix)
        return prefix

    def _keep(self, prefix: Prefix) -> None:
        """Keep one more, without those that it contains, within the limit of memory."""
        each = self._network.shape.bytes_per_token
        kept = [old for old in self._kept if prefix.tokens[: len(old)] != old.tokens]
        kept.append(prefix)
        while len(kept) > 1 and sum(len(one) for one in kept) * each > _KEPT_BYTES:
            kept.pop(0)
        self._kept = kept


def _agreement(one: Sequence[int], other: Sequence[int]) -> int:
    """How many tokens two texts begin with in common."""
    shorter = min(len(one), len(other))
    if one[:shorter] == other[:shorter]:
        return shorter
    return next(i for i in range(shorter) if one[i] != other[i])
