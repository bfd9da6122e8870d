"""The likelihood of each label as the beginning of the answer.

An answer counts for the longest label that it begins with, so the labels' likelihoods are those of
events that exclude each other: no label is favoured for being short, and `order` beside
`order status` gets only what does not go on as the latter. A label may follow one space, as text
does after a colon: both ways of writing it are counted together.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from tetrad.engines.torch.attention import OwnTokens, Prefix
from tetrad.engines.torch.token_text import Text
from tetrad.engines.torch.transformer import Network

# A way of writing that is this much less likely than the best label cannot change the choice.
_NEGLIGIBLE = 1e-6


@dataclass(slots=True)
class LabelNode:
    """A token on the way to labels; `label` where one ends here."""

    children: dict[int, LabelNode] = field(default_factory=dict)
    label: int | None = None


@dataclass(frozen=True, slots=True)
class _Reached:
    """A node that one of the requests reached, the row and token by which, and how likely that is."""

    request: int
    node: LabelNode
    row: int
    token: int
    log_p: float
    label: int | None  # the longest label that ends here or on the way


def label_tree(labels: Sequence[str], text: Text) -> LabelNode:
    """The tokens of all labels, each written with and without a space before it."""
    root = LabelNode()
    for number, label in enumerate(labels):
        for written in (label, f" {label}"):
            node = root
            for token in text.tokens(written):
                node = node.children.setdefault(token, LabelNode())
            if node.label is None and node is not root:
                node.label = number
    return root


def label_shares(
    network: Network,
    trees: Sequence[LabelNode],
    own: OwnTokens,
    logits: Tensor,
    prefix: Prefix | None,
    *,
    rows: int,
) -> list[dict[int, float]]:
    """For each request's tree, the likelihood of each label; `logits` are those after the prompts.

    Trees are walked at most `rows` nodes at once, the likelier ones first: what they find makes
    most of the others negligible.
    """
    shares: list[dict[int, float]] = [{} for _ in trees]
    roots = [
        _Reached(number, tree, row=number, token=0, log_p=0.0, label=None)
        for number, tree in enumerate(trees)
    ]
    ahead = [(own, _below(roots, logits, shares))]
    while ahead:
        own, reached = ahead.pop()
        reached = [one for one in reached if _matters(one, shares[one.request])]
        now, later = reached[:rows], reached[rows:]
        if later:
            ahead.append((own, later))
        if now:
            own = own.fork([one.row for one in now], room=1)
            tokens = torch.tensor([one.token for one in now], device=network.device)
            everywhere = range(len(now))
            logits = network.step(own, tokens, [(prefix, everywhere)] if prefix else [])
            moved = [replace(one, row=row) for row, one in enumerate(now)]
            ahead.append((own, _below(moved, logits, shares)))
    return shares


def _below(
    reached: Sequence[_Reached], logits: Tensor, shares: Sequence[dict[int, float]]
) -> list[_Reached]:
    """All nodes below, the likelier first, and their labels counted."""
    below = [child for one in reached for child in _children(one, logits, shares[one.request])]
    return sorted(below, key=lambda one: -one.log_p)


def _children(one: _Reached, logits: Tensor, shares: dict[int, float]) -> list[_Reached]:
    """The nodes below one, their labels' shares counted."""
    tokens = list(one.node.children)
    row = logits[one.row].double()
    chances = (row[tokens] - torch.logsumexp(row, dim=-1)).tolist()
    below = []
    for token, chance in zip(tokens, chances, strict=True):
        node = one.node.children[token]
        log_p = one.log_p + chance
        label = one.label
        if node.label is not None:
            if one.label is not None:
                shares[one.label] -= math.exp(log_p)
            shares[node.label] = shares.get(node.label, 0.0) + math.exp(log_p)
            label = node.label
        below.append(_Reached(one.request, node, one.row, token, log_p, label))
    return below


def _matters(one: _Reached, shares: dict[int, float]) -> bool:
    """Whether what lies below a node can still change which label is best."""
    best = max(shares.values(), default=0.0)
    return bool(one.node.children) and math.exp(one.log_p) > best * _NEGLIGIBLE
