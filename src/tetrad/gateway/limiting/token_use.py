"""How many tokens a request may use, and did where nobody counted them."""

from __future__ import annotations

from collections.abc import Iterator

from tetrad.canonical import canonical_json
from tetrad.model import Prices
from tetrad.results.exchange import JsonOutput, Request, Usage

_OF_A_MESSAGE = 16  # what chat templates put around it
_UNLIMITED = 4_096  # what an answer without max_tokens is taken to have
_RESULT = 1_000  # what a tool call and its result are taken to add
_BYTES = 4  # of a token, where a guess is wanted and not the most


def most_used(request: Request, *, calls: int, context_window: int | None) -> Usage:
    """The most tokens that an answer of up to `calls` turns can use; no text has more than bytes.

    What tools will say is not known before; it is taken to be short.
    """
    output = request.generation.max_tokens or _UNLIMITED
    prompt = sum(_sizes(request))
    inputs = (prompt + turn * (output + _RESULT) for turn in range(calls))
    if context_window is not None:
        inputs = (min(tokens, context_window) for tokens in inputs)
    return Usage(input_tokens=sum(inputs), output_tokens=calls * output)


def guessed(request: Request, answer: str, pieces: int = 0) -> Usage:
    """What a request and as much of its answer as came have probably used."""
    return Usage(
        input_tokens=-(-sum(_sizes(request)) // _BYTES),
        output_tokens=max(pieces, -(-len(answer.encode()) // _BYTES)),
    )


def nano_usd(usage: Usage, prices: Prices | None) -> int:
    """The cost in billionths of a USD, rounded up; 0 without prices."""
    usd = usage.cost_usd(prices)
    return 0 if usd is None else -int(-usd * 1e9 // 1)


def _sizes(request: Request) -> Iterator[int]:
    """In bytes, by parts."""
    for message in request.messages:
        yield _OF_A_MESSAGE + len(message.content.encode(errors="replace"))
        for call in message.tool_calls:
            yield len(call.name) + len(canonical_json(call.arguments))
    for tool in request.tools:
        yield len(tool.name) + len(tool.description) + len(canonical_json(tool.input_schema))
    if isinstance(request.constraint, JsonOutput):
        yield len(canonical_json(request.constraint.schema))
