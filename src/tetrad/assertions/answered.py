"""What an assertion looks at, and whom it can ask."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from tetrad.assertions.score import Score
from tetrad.canonical import Json

if TYPE_CHECKING:
    from tetrad.results.exchange import Message
    from tetrad.results.trace import Called, Passage


@dataclass(frozen=True, kw_only=True, slots=True)
class Answered:
    """What a stack answered, as assertions see it.

    `text` is after the transforms; `untransformed` is the answer where a transform made another.
    `made` is what it made where that is no text.
    """

    text: str
    made: Json = None
    untransformed: str | None = None
    vars: Mapping[str, Json]
    query: str = ""  # what retrieval was asked, or the last message
    messages: tuple[Message, ...] = ()  # of the first request
    description: str = ""  # of the case, as its metadata
    metadata: Mapping[str, Json] = field(default_factory=dict)
    passages: tuple[Passage, ...] = ()
    called: tuple[Called, ...] = ()
    latency_s: float | None = None
    cost_usd: float | None = None

    @property
    def output(self) -> Json:
        """What code and further transforms are given."""
        return self.text if self.made is None else self.made


class PythonRaised(Exception):
    """Code of a golden set raised; the text is its own."""


class Services(Protocol):
    """What assertions need that are not arithmetic: vectors, a model's opinion, a process."""

    async def similarities(self, text: str, others: tuple[str, ...]) -> tuple[float, ...]:
        """Cosine of a text's embedding with each other's."""

    async def ask_judge(
        self,
        name: str | None,
        question: Mapping[str, str],
        schema: Mapping[str, Json],
        read: Callable[[Mapping[str, Json]], Score],
    ) -> Score:
        """What `read` makes of a judge's answer, an object of the schema; it raises JudgeFailed for
        one that decides nothing, and so does this where the judge gives no other.
        """

    async def run_python(self, code: str, function: str, *arguments: Json) -> Json:
        """What a function of the code returned; PythonRaised where it raised."""
