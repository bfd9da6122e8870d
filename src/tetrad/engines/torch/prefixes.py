"""Which tokens waiting requests begin with in common, and the prefixes that were read before.

Prompts of one suite share instructions and examples and differ in their last lines: reading the
common part once is the largest gain there is on a CPU.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

from tetrad.engines.torch.attention import Prefix
from tetrad.engines.torch.transformer import Network

# Fewer common tokens than this are read again sooner than looked after.
_WORTHWHILE = 16
# A prefix that is already there is used, though another would spare this many tokens more: rows
# after one prefix are answered together.
_SLACK = 64
_KEPT_BYTES = 512 << 20


class PrefixStore:
    """Prefixes that were read, the least recently used dropped first."""

    def __init__(self, network: Network, *, kept_bytes: int = _KEPT_BYTES) -> None:
        self._network = network
        self._limit = kept_bytes // network.shape.bytes_per_token
        self._kept: list[Prefix] = []  # the most recently used last

    def plan(self, texts: Sequence[Sequence[int]]) -> tuple[int, list[int]]:
        """How much of the first text to read as a prefix, and which texts begin with that.

        At least one token of every text stays outside: the logits after it are what is wanted.
        """
        first = texts[0]
        agreed = [min(agreement(first, text), len(first) - 1, len(text) - 1) for text in texts]
        length = self._length(first, agreed)
        return length, [index for index, common in enumerate(agreed) if common >= length]

    def _length(self, first: Sequence[int], agreed: Sequence[int]) -> int:
        best = _most_saving(agreed)
        known = [agreement(kept.tokens, first[:-1]) for kept in self._kept]
        there = max(
            (len(kept) for kept, same in zip(self._kept, known, strict=True) if same == len(kept)),
            default=0,
        )
        if there and there + _SLACK >= best:
            return there
        if best:
            return best
        # nothing to share it with now: read on from what is known, else keep it for what comes
        length = max(known, default=0)
        if length < _WORTHWHILE:
            length = len(first) - 1
        return length if length >= _WORTHWHILE else 0

    def get(self, tokens: tuple[int, ...]) -> tuple[Prefix | None, int]:
        """The prefix of exactly these tokens, and how many of them had to be read for it.

        It is read from where a kept one ends; None for no tokens.
        """
        if not tokens:
            return None, 0
        known = max(self._kept, key=lambda kept: agreement(kept.tokens, tokens), default=None)
        same = 0 if known is None else agreement(known.tokens, tokens)
        if known is None or not same:
            prefix = self._read(tokens, None)
        elif same < len(tokens):
            prefix = self._read(tokens, known.cut(same))
        else:
            # A copy: a view would hold the memory of what it was cut from for as long as it is kept.
            prefix = known if len(known) == same else known.cut(same).copied()
        self._keep(prefix)
        return prefix, len(tokens) - same

    def _read(self, tokens: tuple[int, ...], known: Prefix | None) -> Prefix:
        own, _ = self._network.read([tokens[0 if known is None else len(known) :]], known)
        keys, values = own.prefix(0)
        if known is not None:
            keys = torch.cat([known.keys, keys], dim=2)
            values = torch.cat([known.values, values], dim=2)
        return Prefix(tokens=tokens, keys=keys, values=values)

    def _keep(self, prefix: Prefix) -> None:
        """Keep one as the most recently used, within the limit of memory."""
        self._kept = [old for old in self._kept if old is not prefix]
        self._kept.append(prefix)
        while len(self._kept) > 1 and sum(len(one) for one in self._kept) > self._limit:
            self._kept.pop(0)


def agreement(one: Sequence[int], other: Sequence[int]) -> int:
    """How many tokens two texts begin with in common."""
    shorter = min(len(one), len(other))
    low, high = 0, shorter
    while low < high:  # comparing slices is much faster than comparing tokens one by one
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _most_saving(agreed: Sequence[int]) -> int:
    """The length of a prefix of the first text that spares most tokens, if it is read once.

    Of n texts that agree on p tokens, all but one are spared them. The first text agrees with
    itself.
    """
    length, spared = 0, 0
    for others, common in enumerate(sorted(agreed, reverse=True)):
        if common * others > spared:
            length, spared = common, common * others
    return length if length >= _WORTHWHILE else 0
