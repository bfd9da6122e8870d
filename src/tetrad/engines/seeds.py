"""Seeds for servers that draw by the seed alone."""

from __future__ import annotations

from dataclasses import replace

from tetrad.engines.interfaces import request_digest
from tetrad.results.exchange import Request


def seeded(request: Request) -> Request:
    """A sampled request with a seed of its own: with the prompt's, all cases would draw the same numbers,
    and repeats would be copies.
    """
    generation = request.generation
    if generation.seed is None or generation.temperature == 0:
        return request
    own = int.from_bytes(request_digest(request).value[:8]) >> 11  # exact in any reader of JSON
    return replace(request, generation=replace(generation, seed=own))
