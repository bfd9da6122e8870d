"""Drawing a token: seeded by the request, so an answer does not depend on its company."""

from __future__ import annotations

import torch
from torch import Tensor

from tetrad.canonical import digest_of
from tetrad.model import Generation


class Draw:
    """The random choices of one answer."""

    def __init__(self, generation: Generation, *, sample: int) -> None:
        self._temperature = generation.temperature or 0.0
        self._top_p = 1.0 if generation.top_p is None else generation.top_p
        seed = digest_of({"seed": str(generation.seed or 0), "sample": sample})
        self._random = torch.Generator()
        self._random.manual_seed(int.from_bytes(seed.value[:8], "big"))

    def token(self, logits: Tensor) -> int:
        """Draw from the smallest set of tokens whose probability reaches `top_p`."""
        chances = torch.softmax(logits.double().cpu() / self._temperature, dim=-1)
        ordered, tokens = torch.sort(chances, descending=True, stable=True)
        reached = torch.cumsum(ordered, dim=-1)
        kept = int((reached - ordered < self._top_p).sum())
        mark = torch.rand((), generator=self._random, dtype=torch.float64) * reached[kept - 1]
        place = int(torch.searchsorted(reached[:kept], mark))
        return int(tokens[min(place, kept - 1)])
