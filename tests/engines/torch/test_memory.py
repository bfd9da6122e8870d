"""Memory that runs out is told as what it is."""

from __future__ import annotations

import pytest
import torch

from tetrad.engines.torch.memory import lack_of_memory_told
from tetrad.errors import EngineUnavailable


def test_what_torch_cannot_allocate_is_no_bug() -> None:
    with (
        pytest.raises(EngineUnavailable, match=r"the embedder ran out of memory: .*\n  help: free"),
        lack_of_memory_told("the embedder"),
    ):
        torch.empty(2**50)


def test_another_error_stays_what_it_is() -> None:
    with pytest.raises(RuntimeError, match="shapes"), lack_of_memory_told("the embedder"):
        torch.zeros(2) @ torch.zeros(3, 1)
