"""What is asked of an engine and what it answers, as plain values.

A request is complete: two equal requests to the same model are the same question, so its digest is
the key under which an answer is kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from tetrad.canonical import Json
from tetrad.model import Generation, Prices

# The one argument of a tool call whose arguments were no JSON object: a model's failure that a
# case shall score, so it reaches the tool's schema instead of being raised.
UNREADABLE_ARGUMENTS = "unreadable arguments"


@dataclass(frozen=True, kw_only=True, slots=True)
class ToolCall:
    """A call that a model asks for; `attached` is what its server wrote beside that, a signature of
    its thinking, say, and wants back in the next step.
    """

    id: str
    name: str
    arguments: Mapping[str, Json]
    attached: Mapping[str, Json] | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Message:
    """One rendered message; `tool_calls` only on assistant's, `tool_call_id` only on tool's.

    `attached` goes back to a server as it wrote it beside its text and its calls.
    """

    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: str
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str | None = None
    attached: Mapping[str, Json] | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ToolDefinition:
    """What a model sees of a tool."""

    name: str
    description: str
    input_schema: Mapping[str, Json]


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    """The answer is one of `labels`, by likelihood where the engine can."""

    labels: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class JsonOutput:
    """The answer is a JSON text of this schema."""

    schema: Mapping[str, Json]


Constraint: TypeAlias = Choice | JsonOutput


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """One question to an engine.

    `style` completion joins the contents by blank lines and continues the text; chat applies the
    model's chat template.
    `may_call` is False where the tools are only named, for the calls in the messages.
    `sample` numbers the repeats of a case, so that each is asked anew.
    `once` is no part of the question: a tool has written something for it, so that a gateway sends it
    to nobody a second time.
    """

    style: Literal["chat", "completion"] = "chat"
    messages: tuple[Message, ...]
    generation: Generation = Generation()
    constraint: Constraint | None = None
    tools: tuple[ToolDefinition, ...] = ()
    may_call: bool = True
    sample: int = 0
    once: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Usage:
    """Tokens of one or more calls, None where nobody counted them; cached ones are among the input's."""

    input_tokens: int | None = 0
    output_tokens: int | None = 0
    cached_input_tokens: int = 0

    @property
    def total_tokens(self) -> int | None:
        return _sum(self.input_tokens, self.output_tokens)

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            input_tokens=_sum(self.input_tokens, other.input_tokens),
            output_tokens=_sum(self.output_tokens, other.output_tokens),
            cached_input_tokens=self.cached_input_tokens + other.cached_input_tokens,
        )

    def cost_usd(self, prices: Prices | None) -> float | None:
        """USD at a model's prices; None without prices, or where the tokens were not counted."""
        if prices is None or self.input_tokens is None or self.output_tokens is None:
            return None
        cached_price = prices.input if prices.cached_input is None else prices.cached_input
        total = (
            (self.input_tokens - self.cached_input_tokens) * prices.input
            + self.cached_input_tokens * cached_price
            + self.output_tokens * prices.output
        )
        return total / 1_000_000


def _sum(one: int | None, other: int | None) -> int | None:
    return None if one is None or other is None else one + other


@dataclass(frozen=True, kw_only=True, slots=True)
class Completion:
    """One answer; seconds are None where the engine answers in batches. `cached` says that it was
    kept from an earlier call, whose usage and seconds it carries; `requests` is how many it took.
    """

    text: str
    tool_calls: tuple[ToolCall, ...] = ()
    attached: Mapping[str, Json] | None = None  # goes back with a message that has tool calls
    finish_reason: Literal["stop", "length", "tool_calls", "content_filter"] = "stop"
    usage: Usage = Usage()
    latency_s: float | None = None
    first_token_s: float | None = None
    likelihoods: Mapping[str, float] | None = None  # label -> probability among a Choice's labels
    system_fingerprint: str | None = None  # what a vendor says that computed it
    cached: bool = False
    requests: int = 1
