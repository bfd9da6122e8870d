"""Prompts: what a model is told."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

from tetrad.canonical import Json
from tetrad.errors import Location

if TYPE_CHECKING:
    from tetrad.model.models import Model

Role: TypeAlias = Literal["system", "developer", "user", "assistant"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Variable:
    """What a template may be given under a name."""

    name: str
    type: Literal["string", "number", "integer", "boolean", "array", "object"] = "string"
    trust: Literal["trusted", "untrusted"] = "untrusted"
    required: bool = True
    default: Json = None  # only read where `required` is false
    max_chars: int | None = None
    enum: tuple[str, ...] = ()  # the only texts that it may be; () for any
    description: str = ""
    trust_stated: bool = field(default=True, compare=False)  # or untrusted since nothing is said
    location: Location = field(compare=False)


class Piece(NamedTuple):
    """From `start` on, a message's content is the text of a file, from its character `offset` on."""

    start: int
    file: str
    text: str
    offset: int


@dataclass(frozen=True, kw_only=True, slots=True)
class PromptMessage:
    """A message whose content is a Jinja2 template, with the texts that it includes in it."""

    role: Role
    content: str
    pieces: tuple[Piece, ...] = field(default=(), compare=False)  # none where it includes nothing
    location: Location = field(
        compare=False
    )  # of the content's node, in the prompt's file or in its `file://`

    def origin(self, offset: int) -> Piece:
        """The piece that holds a character; its `offset` is that character's."""
        if not self.pieces:
            return Piece(offset, self.location.file, self.content, offset)
        after = bisect_right(self.pieces, offset, key=lambda piece: piece.start)
        piece = self.pieces[max(after - 1, 0)]
        return piece._replace(start=offset, offset=piece.offset + offset - piece.start)

    @property
    def files(self) -> tuple[str, ...]:
        """The file of the message, and those that it includes."""
        return tuple(dict.fromkeys((self.location.file, *(piece.file for piece in self.pieces))))


@dataclass(frozen=True, kw_only=True, slots=True)
class Example:
    """A solved request shown to the model: the variables and the answer."""

    vars: Mapping[str, Json]
    output: str
    location: Location = field(compare=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class NearestExamples:
    """Choose the `count` examples whose variable `by` is most similar to the request's."""

    count: int
    by: str
    embedding: Model


@dataclass(frozen=True, kw_only=True, slots=True)
class Output:
    """The contract of an answer."""

    format: Literal["text", "json"] = "text"
    enum: tuple[str, ...] = ()
    schema: Mapping[str, Json] | None = None  # JSON Schema, draft 2020-12


@dataclass(frozen=True, kw_only=True, slots=True)
class Generation:
    """How an answer is sampled; None leaves the engine's default."""

    temperature: float | None = None
    max_tokens: int | None = None
    top_p: float | None = None
    seed: int | None = None
    stop: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class History:
    """How many tokens of earlier turns are kept, and which end of them."""

    max_tokens: int
    keep: Literal["first", "last"] = "last"


@dataclass(frozen=True, kw_only=True, slots=True)
class ChatInput:
    """How a chat request's turns become variables."""

    input: str
    history: History | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Prompt:
    """What a model is told: messages, the variables they take, and the contract of the answer."""

    ref: str
    location: Location = field(compare=False)
    description: str = ""
    owner: str = ""
    variables: Mapping[str, Variable]
    style: Literal["chat", "completion"] = "chat"
    messages: tuple[PromptMessage, ...]
    examples: tuple[Example, ...] = ()
    select: NearestExamples | None = None  # None: all examples, in order
    chat: ChatInput | None = None
    output: Output = Output()
    generation: Generation = Generation()
    sources: tuple[Location, ...] = field(default=(), compare=False)  # of the files with its keys

    @property
    def why_no_history(self) -> str | None:
        """Why it takes no earlier turns of a conversation; None where it does."""
        if self.style == "completion":
            return "a prompt of `style: completion` is one text without turns"
        if self.chat is None:
            return "it has no `chat:`"
        if self.chat.history is None:
            return "its `chat:` has no `history`"
        return None
