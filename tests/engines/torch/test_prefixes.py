"""What is kept of prompts that were read."""

from __future__ import annotations

from pathlib import Path

import torch

from tetrad.engines.torch.prefixes import PrefixStore
from tetrad.engines.torch.transformer import load_network


def test_the_beginning_of_a_kept_prefix_holds_no_more_memory_than_its_own(tiny: Path) -> None:
    prefixes = PrefixStore(load_network(tiny, dtype="float32"))
    tokens = tuple(range(1, 201))
    long, _ = prefixes.get(tokens)
    short, read = prefixes.get(tokens[:20])

    assert long is not None
    assert short is not None
    assert read == 0
    assert torch.equal(short.keys, long.keys[:, :, :20])
    assert torch.equal(short.values, long.values[:, :, :20])
    for kept in (short.keys, short.values):
        assert kept.untyped_storage().nbytes() == kept.nbytes
