"""How requests begin: instructions and examples that many of them share, to be shown once. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from tetrad.results.exchange import Message, Request
from tetrad.results.trace import Generated, Trace

_Told: TypeAlias = tuple[tuple[str, str], ...]  # role and text of each message


@dataclass(frozen=True, kw_only=True, slots=True)
class Opening:
    number: int
    messages: Sequence[Message]
    requests: int  # that begin so


@dataclass(frozen=True, slots=True)
class Openings:
    """Those that at least two requests begin with."""

    _found: Mapping[_Told, Opening]

    def of(self, request: Request) -> Opening | None:
        return self._found.get(_told(opening_of(request)))

    def all(self) -> Sequence[Opening]:
        return tuple(self._found.values())


def opening_of(request: Request) -> Sequence[Message]:
    """The messages before the user's last: what a prompt says whatever it is asked."""
    last = max((i for i, m in enumerate(request.messages) if m.role == "user"), default=0)
    return request.messages[:last]


def shared_openings(traces: Iterable[Trace]) -> Openings:
    """In the order in which they come first."""
    counts: Counter[_Told] = Counter()
    first: dict[_Told, Sequence[Message]] = {}
    for request in requests_of(traces):
        told = _told(opening_of(request))
        counts[told] += 1
        first.setdefault(told, opening_of(request))
    shared = [told for told in first if told and counts[told] > 1]
    return Openings(
        {
            told: Opening(number=number, messages=first[told], requests=counts[told])
            for number, told in enumerate(shared, start=1)
        }
    )


def requests_of(traces: Iterable[Trace]) -> Iterable[Request]:
    return (step.request for trace in traces for step in trace.steps if isinstance(step, Generated))


def _told(messages: Sequence[Message]) -> _Told:
    return tuple((message.role, message.content) for message in messages)
