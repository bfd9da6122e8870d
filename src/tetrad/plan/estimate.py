"""What requests will cost that no kept answer serves: an upper bound, before anything is asked."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from tetrad.engines.base import request_digest
from tetrad.identity import component_digest
from tetrad.plan.model import Estimate
from tetrad.registry import Registry
from tetrad.results.exchange import Request
from tetrad.spec.model import Model, Stack

# Tokens of a text under a model: exact by its pinned tokenizer, or an upper bound.
CountTokens = Callable[[Model, str], int]


@dataclass(frozen=True, kw_only=True, slots=True)
class Estimates:
    """An `Estimator` that leaves out what the registry answers."""

    registry: Registry
    count: CountTokens
    pace: Callable[[Stack], float | None]  # seconds a call of what answers for a stack

    def __call__(self, stack: Stack, requests: Iterable[Request]) -> Estimate:
        model = component_digest(stack.model)
        asked = {request_digest(request): request for request in requests}
        kept = self.registry.kept(model, asked)
        left = [request for digest, request in asked.items() if digest not in kept]
        texts = ["\n\n".join(message.content for message in r.messages) for r in left]
        tokens_in = sum(self.count(stack.model, text) for text in texts)
        tokens_out = sum(request.generation.max_tokens or 0 for request in left)
        pace = self.pace(stack)
        return Estimate(
            calls=len(left),
            input_tokens=tokens_in,
            output_tokens=tokens_out,
            cost_usd=_cost(stack.model, tokens_in, tokens_out),
            seconds=None if pace is None else pace * len(left),
        )


def _cost(model: Model, tokens_in: int, tokens_out: int) -> float | None:
    if model.prices is None:
        return None
    return (tokens_in * model.prices.input + tokens_out * model.prices.output) / 1_000_000
