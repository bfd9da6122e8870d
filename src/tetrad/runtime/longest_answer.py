"""How long a stack can take to answer one request, by the limits of time that are set for its parts."""

from __future__ import annotations

from tetrad.model import OpenAIEngine, Stack, TorchEngine, VllmEngine
from tetrad.model.serving import Queue
from tetrad.runtime.tool_calls import MAX_CALLS

# Of one exchange: the wait for a place at the model server, the request, and the request once more.
_TRIES = 3
_IN_PROCESS_S = 300.0  # of one exchange with a model in this process, which nothing limits
_BESIDE_S = 60.0  # retrieval, guardrails, and a client that takes the answer slowly


def longest_answer_s(stack: Stack, queue: Queue) -> float:
    """Seconds after which a request has been answered or has failed, its wait in the queue included."""
    exchanges = stack.max_steps if stack.tools else 1
    limits = [tool.run.timeout_s for tool in stack.tools if tool.run is not None]
    calls = exchanges * MAX_CALLS * max(limits, default=0.0)
    if stack.guardrails.repair_output:
        exchanges += 1
    return queue.deadline_s + exchanges * _exchange_s(stack) + calls + _BESIDE_S


def _exchange_s(stack: Stack) -> float:
    match stack.model.engine:
        case OpenAIEngine(timeout_s=limit) | VllmEngine(timeout_s=limit):
            return _TRIES * limit
        case TorchEngine():
            return _IN_PROCESS_S
    return 0.0
