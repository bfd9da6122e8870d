"""Requests prepared once: what a plan rendered is what its gate asks."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field

from tetrad.results.trace import Trace
from tetrad.runtime.answering import Given, Prepared, Runtime, Toolbox
from tetrad.runtime.confirming import EVERY_CALL

# Requests of a stack that are remembered; those of a larger golden set are prepared again, since a
# run holds a window of them at any time and no more.
REMEMBERED = 4_096


@dataclass(frozen=True, slots=True)
class PreparedOnce:
    """A runtime that remembers the requests it prepared, for as long as a command runs."""

    runtime: Runtime
    _known: dict[str, Prepared] = field(default_factory=dict)

    def prepare_many(self, requests: Sequence[Given]) -> tuple[Prepared, ...]:
        """As `Runtime.prepare_many`, of equal variables and turns once."""
        keys = [_key(given) for given in requests]
        new = {k: given for k, given in zip(keys, requests, strict=True) if k not in self._known}
        prepared = dict(zip(new, self.runtime.prepare_many(list(new.values())), strict=True))
        found = tuple(prepared.get(key) or self._known[key] for key in keys)
        room = REMEMBERED - len(self._known)
        self._known.update(list(prepared.items())[: max(0, room)])
        return found

    async def answer_prepared(
        self, prepared: Prepared, *, toolbox: Toolbox, sample: int = 0
    ) -> Trace:
        return await self.runtime.answer_prepared(
            prepared, toolbox=toolbox, sample=sample, confirmed=EVERY_CALL
        )


def _key(given: Given) -> str:
    return json.dumps([given.vars, [(turn.role, turn.content) for turn in given.history]])
