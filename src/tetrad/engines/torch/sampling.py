"""Drawing a token: by the request alone, so an answer does not depend on its company."""

from __future__ import annotations

from random import Random

import torch
from torch import Tensor

from tetrad.engines.interfaces import request_digest
from tetrad.results.exchange import Request


class Draw:
    """The random choices of one answer.

    The whole digest of the request, its seed and sample included, is the stream's seed: torch's own
    generator would take 32 bits of it, and a large run would draw some streams twice.
    """

    def __init__(self, request: Request) -> None:
        generation = request.generation
        self._temperature = generation.temperature or 0.0
        self._top_p = 1.0 if generation.top_p is None else generation.top_p
        self._random = Random(int.from_bytes(request_digest(request).value))  # noqa: S311 - no secret

    def token(self, logits: Tensor) -> int:
        """Draw from the smallest set of tokens whose probability reaches `top_p`."""
        chances = torch.softmax(logits.double().cpu() / self._temperature, dim=-1)
        ordered, tokens = torch.sort(chances, descending=True, stable=True)
        reached = torch.cumsum(ordered, dim=-1)
        kept = int((reached - ordered < self._top_p).sum())
        mark = self._random.random() * reached[kept - 1]
        place = int(torch.searchsorted(reached[:kept], mark))
        return int(tokens[min(place, kept - 1)])
