"""What the span of a step says, by the conventions, without any text of a request or an answer."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tetrad.results.exchange import JsonOutput, Request
from tetrad.results.trace import Called, Generated, Retrieved
from tetrad.runtime.observing import (
    Begun,
    Calling,
    Ended,
    Generating,
    Guarding,
    Rendering,
    Retrieving,
)
from tetrad.telemetry import conventions as names
from tetrad.telemetry.served import Served


def of_begun(step: Begun, served: Served) -> Mapping[str, Any]:
    """What is known when a step begins; None for what is not."""
    match step:
        case Retrieving():
            return {
                names.OPERATION: "retrieval",
                names.DATA_SOURCE_ID: step.corpus,
                "tetrad.retrieval.top_k": step.top_k,
            }
        case Rendering():
            return {names.PROMPT_NAME: step.prompt}
        case Generating():
            return {**_asked(step.request, served), "tetrad.step": step.step}
        case Calling():
            return {
                names.OPERATION: "execute_tool",
                names.TOOL_NAME: step.call.name,
                names.TOOL_TYPE: "function",
                names.TOOL_CALL_ID: step.call.id,
            }
        case Guarding():
            return {"tetrad.guardrail.rule": step.rule, "tetrad.guardrail.where": step.where}


def of_ended(outcome: Ended, first_token_s: float | None) -> Mapping[str, Any]:
    """What came of a step."""
    match outcome:
        case Retrieved():
            passages = outcome.passages
            documents = [{"id": f"{p.document}#{p.chunk}", "score": p.score} for p in passages]
            return {
                names.RETRIEVAL_DOCUMENTS: json.dumps(documents),
                "tetrad.retrieval.answerable": outcome.answerable,
            }
        case Generated():
            return _answered(outcome, first_token_s)
        case Request():
            return {
                "tetrad.prompt.messages": len(outcome.messages),
                "tetrad.prompt.characters": sum(len(m.content) for m in outcome.messages),
            }
        case Called():
            return {}
        case _:
            return {"tetrad.guardrail.hits": [found.rule for found in outcome] or None}


def _answered(step: Generated, first_token_s: float | None) -> Mapping[str, Any]:
    completion, usage = step.completion, step.completion.usage
    first = completion.first_token_s if first_token_s is None else first_token_s
    return {
        names.FINISH_REASONS: [completion.finish_reason],
        names.INPUT_TOKENS: usage.input_tokens,
        names.OUTPUT_TOKENS: usage.output_tokens,
        names.CACHED_INPUT_TOKENS: usage.cached_input_tokens or None,
        names.TIME_TO_FIRST_CHUNK: first,
    }


def _asked(request: Request, served: Served) -> Mapping[str, Any]:
    generation = request.generation
    is_json = isinstance(request.constraint, JsonOutput)
    return {
        names.OPERATION: served.operation,
        names.PROVIDER: served.provider,
        names.REQUEST_MODEL: served.model,
        names.OUTPUT_TYPE: "json" if is_json else "text",
        names.MAX_TOKENS: generation.max_tokens,
        names.TEMPERATURE: _float(generation.temperature),
        names.TOP_P: _float(generation.top_p),
        names.SEED: _seed(generation.seed),
        names.STOP_SEQUENCES: list(generation.stop) or None,
    }


def _float(number: float | None) -> float | None:
    return None if number is None else float(number)


def _seed(seed: int | None) -> int | None:
    """A seed as OTLP carries integers: those of 64 bits with a sign."""
    return seed if seed is None or seed < 2**63 else None
