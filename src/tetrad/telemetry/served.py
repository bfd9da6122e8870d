"""What spans and metrics say of whoever answers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from tetrad.canonical import Digest
from tetrad.identity import short, written_identity
from tetrad.model import Model, OpenAIEngine, ScriptedEngine, Stack, VllmEngine

Outcome: TypeAlias = Literal[
    "answered",
    "refused",  # the request itself was wrong
    "limited",  # the client's or the stack's limits
    "failed",  # an engine or a tool
    "cancelled",  # the client left
]

# Vendors that the conventions have a name of their own for, by what a source calls them.
_PROVIDERS = {
    "anthropic": "anthropic",
    "azure": "azure.ai.openai",
    "bedrock": "aws.bedrock",
    "cohere": "cohere",
    "deepseek": "deepseek",
    "google": "gcp.gen_ai",
    "groq": "groq",
    "mistral": "mistral_ai",
    "openai": "openai",
    "perplexity": "perplexity",
    "xai": "x_ai",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Served:
    """An identity that answers, by the names that conventions ask for."""

    stack: str  # reference
    identity: Digest
    model: str
    provider: str
    operation: Literal["chat", "text_completion"]
    tools: frozenset[str] = frozenset()  # a model may call others
    short: str = field(init=False)  # of the identity

    def __post_init__(self) -> None:
        object.__setattr__(self, "short", short(self.identity))

    @property
    def written(self) -> str:
        return written_identity(self.identity)


def served_by(stack: Stack, identity: Digest) -> Served:
    return Served(
        stack=stack.ref,
        identity=identity,
        model=stack.model.name,
        provider=_provider(stack.model),
        operation="chat" if stack.prompt.style == "chat" else "text_completion",
        tools=frozenset(tool.name for tool in stack.tools),
    )


def _provider(model: Model) -> str:
    """The vendor where the model has one, else what serves it."""
    vendor = model.source.uri.partition("://")[2].partition("/")[0]
    if model.source.scheme == "vendor":
        return _PROVIDERS.get(vendor, vendor)
    if isinstance(model.engine, VllmEngine):
        return "vllm"
    if isinstance(model.engine, OpenAIEngine):
        return "openai"  # by its protocol, as the conventions ask for compatible servers
    return "scripted" if isinstance(model.engine, ScriptedEngine) else "torch"
