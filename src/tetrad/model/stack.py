"""Stacks: compositions of components."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias

from tetrad.errors import Location
from tetrad.model.prompt import Generation, Prompt
from tetrad.model.references import last_part
from tetrad.model.serving import Serving

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tetrad.model.corpus import Corpus
    from tetrad.model.models import Model
    from tetrad.model.tool import Tool

PASSAGES = "passages"  # the variable that takes what is retrieved, unless a stack names another


@dataclass(frozen=True, kw_only=True, slots=True)
class Answerable:
    """Answer `otherwise` where no passage is at least this similar to the query (cosine)."""

    min_similarity: float
    otherwise: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Retrieval:
    """How a stack uses its corpus: the variable that is the query, and the one that takes passages."""

    corpus: Corpus
    query: str
    top_k: int = 3
    into: str = PASSAGES
    answerable: Answerable | None = None


Treatment: TypeAlias = Literal["block", "redact"]


@dataclass(frozen=True, kw_only=True, slots=True)
class BothWays:
    """What is done with something that a request or an answer should not hold; None: nothing."""

    input: Treatment | None = None
    output: Treatment | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class InjectionGuard:
    """What is done with text that looks like an injection; None: nobody looks."""

    variables: Literal["block", "report"] | None = None
    passages: Literal["drop", "report"] | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Guardrails:
    """What is refused or changed before a request is answered, on the way, and after."""

    max_input_chars: int | None = None
    block_pii_in_output: bool = False
    personal_data: BothWays = BothWays()
    secrets: BothWays = BothWays()
    injection: InjectionGuard = InjectionGuard()
    canary: str | None = None  # a text of the system message that no answer may repeat
    repair_output: bool = False  # whether an answer that breaks the contract is asked for once more
    max_calls_per_tool: int | None = None  # of one request


@dataclass(frozen=True, kw_only=True, slots=True)
class Stack:
    """A composition; `generation` is already the prompt's with the stack's own laid over it."""

    ref: str
    location: Location = field(compare=False)
    description: str = ""
    owner: str = ""
    prompt: Prompt
    model: Model
    retrieval: Retrieval | None = None
    tools: tuple[Tool, ...] = ()
    max_steps: int = 3  # of the tool loop
    guardrails: Guardrails = Guardrails()
    generation: Generation = Generation()
    overrides: Generation = Generation()  # what the stack's own file says of it
    serving: Serving = Serving()

    @property
    def filled(self) -> tuple[str, ...]:
        """The variables that the stack fills itself, with what it retrieves."""
        return () if self.retrieval is None else (self.retrieval.into,)

    @property
    def models(self) -> tuple[Model, ...]:
        """Every model that shapes an answer: the one that answers, and those that make vectors."""
        found = [self.model]
        if self.retrieval is not None:
            found.append(self.retrieval.corpus.embedding)
        if self.prompt.select is not None:
            found.append(self.prompt.select.embedding)
        return tuple(found)

    @property
    def environments(self) -> tuple[str, ...]:
        """The names of the environments that it serves."""
        return self.serving.environments

    @property
    def name(self) -> str:
        return last_part(self.ref)

    def may_write(self, tools: Iterable[str]) -> bool:
        """Whether one of these tools does more than read, or does not say what it does."""
        reading = {tool.name for tool in self.tools if tool.effect == "read"}
        return any(name not in reading for name in tools)
