"""What a process saw and found of its share of a repository, and who asks further ones for it."""

from __future__ import annotations

import marshal
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import AbstractContextManager
from typing import NamedTuple, Protocol

from tetrad.loading.checked import Seen


class Looked(NamedTuple):
    """What was seen of a share, all of which loads.

    `states` stand for all content that was seen; `values` are what was found in components of the
    share, where anything was. What was `counted` depends on more than files.
    """

    states: Mapping[str, bytes]
    seen: Mapping[str, Seen]
    values: Mapping[str, str]
    counted: AbstractSet[str]

    def dumped(self) -> bytes:
        """For the process that asked, which runs this same code on the same interpreter."""
        seen = {file: tuple(one) for file, one in self.seen.items()}
        return marshal.dumps((dict(self.states), seen, dict(self.values), sorted(self.counted)))

    @classmethod
    def loaded(cls, data: bytes) -> Looked | None:
        """None where nothing is said: not all loads, or the process ended before it was done."""
        if not data:
            return None
        states, seen, values, counted = marshal.loads(data)  # noqa: S302 - our own process wrote it
        return cls(
            states, {file: Seen(*one) for file, one in seen.items()}, values, frozenset(counted)
        )


class Process(Protocol):
    """A further process, which looks at a share."""

    def begin(self, share: Sequence[str]) -> None: ...

    def end(self) -> bytes:
        """What it saw and found, once it is done."""


class Processes(Protocol):
    """Starts further processes."""

    @property
    def most(self) -> int:
        """How many are of use, with this one."""

    def started(self, number: int) -> AbstractContextManager[Sequence[Process]]:
        """So many, or fewer where the system allows no more; none outlives the context."""
