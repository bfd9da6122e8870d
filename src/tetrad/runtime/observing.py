"""Who watches how a request is answered: each step as it begins and as it ends.

What an observer is told is what the trace will hold; when it is told is when it happens, so that it
takes times by a clock of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias

from tetrad.model import Model
from tetrad.results.exchange import Request, ToolCall
from tetrad.results.trace import Called, Generated, Guarded, Retrieved


@dataclass(frozen=True, kw_only=True, slots=True)
class Retrieving:
    """A corpus is searched; ends with `Retrieved`."""

    corpus: str
    query: str
    top_k: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Rendering:
    """A prompt is constructed; ends with the `Request`."""

    prompt: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Generating:
    """A model is asked; ends with `Generated`. `step` counts the turns of the tool loop from 1."""

    model: Model
    request: Request
    step: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Calling:
    """A tool is called; ends with `Called`."""

    call: ToolCall


@dataclass(frozen=True, kw_only=True, slots=True)
class Guarding:
    """A guardrail or the output contract looks; ends with what it objects to, () for nothing."""

    rule: str
    where: Literal["input", "passages", "tool", "output"]


Begun: TypeAlias = Retrieving | Rendering | Generating | Calling | Guarding
Ended: TypeAlias = Retrieved | Request | Generated | Called | tuple[Guarded, ...]


class StepWatch(Protocol):
    """One step of one request; it ends once, with what came of it or with what was raised."""

    def first_token(self) -> None:
        """Of a streamed answer, its first text is there."""

    def end(self, outcome: Ended) -> None: ...

    def fail(self, error: BaseException) -> None:
        """Also where whoever asked has gone."""


class Observer(Protocol):
    """What sees the steps of one request. It must not raise, and not wait; what happens before the
    model is asked may be told from another thread.
    """

    def begin(self, step: Begun) -> StepWatch: ...


class _Unobserved:
    def begin(self, step: Begun) -> StepWatch:  # noqa: ARG002
        return self

    def first_token(self) -> None: ...

    def end(self, outcome: Ended) -> None: ...

    def fail(self, error: BaseException) -> None: ...


UNOBSERVED: Observer = _Unobserved()


@contextmanager
def watched(observer: Observer, step: Begun) -> Iterator[StepWatch]:
    """A step that fails where what is done in it raises; whoever does it ends it."""
    watch = observer.begin(step)
    try:
        yield watch
    except BaseException as error:
        watch.fail(error)
        raise
