"""What a process saw and found of its share of a repository, and who asks further ones for it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import AbstractContextManager
from typing import Any, NamedTuple, Protocol

from tetrad.loading.checked import Seen


class Looked(NamedTuple):
    """What was seen of a share, all of which loads.

    `states` are digests of all content that was seen, in hexadecimal; `values` what was found in
    components of the share, where anything was. What was `counted` depends on more than files.
    """

    states: Mapping[str, str]
    seen: Mapping[str, Seen]
    values: Mapping[str, str]
    counted: AbstractSet[str]

    def dumped(self) -> bytes:
        return json.dumps({**self._asdict(), "counted": sorted(self.counted)}).encode()

    @classmethod
    def loaded(cls, data: bytes) -> Looked | None:
        """None where nothing is said: not all loads, or the process ended before it was done."""
        try:
            said: dict[str, Any] = json.loads(data)
        except ValueError:
            return None
        seen = {
            file: Seen(kind, tuple(names), tuple(parts))
            for file, (kind, names, parts) in said["seen"].items()
        }
        return cls(said["states"], seen, said["values"], frozenset(said["counted"]))


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
