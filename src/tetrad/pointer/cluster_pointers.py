"""The pointer of an environment in Kubernetes: a ConfigMap, whose versions the registry records.

The ConfigMap is where versions get their numbers; the version that counts is the one with the highest
number that either of the two holds (docs/decisions/14).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime

from tetrad.cluster_api import ClusterApi, Object, ResourceCollection
from tetrad.database import Closing
from tetrad.errors import ClusterConflict, PointerMoved
from tetrad.pointer.deployers import Deployers
from tetrad.pointer.gateway_leases import GatewayLeases
from tetrad.pointer.gateways import GatewayState
from tetrad.pointer.kept_pointers import is_running, newest, read_counting, what_came_first
from tetrad.pointer.pointers import Pointer
from tetrad.pointer.registry_record import Recording

NAME = "tetrad-pointer"
MANAGER = "tetrad"
CONFIG_MAPS = ResourceCollection(api="api/v1", resource="configmaps")
_LABELS = {"app.kubernetes.io/component": "pointer"}
# Versions that the ConfigMap keeps, for a history without the registry and for what this lacks.
_KEPT = 16
_KEPT_BYTES = 700_000  # the API server takes 1 MiB
_TRIES = 5  # others that write the object, and no new version, at the same moment


class ClusterPointers(Closing):
    """The versions of an environment's pointer in its namespace, and the gateways that follow it."""

    pace_s = 0.5

    def __init__(self, api: ClusterApi, deployers: Deployers, recording: Recording) -> None:
        self._api = api
        self._deployers = deployers
        self._recording = recording
        self._leases = GatewayLeases(api, deployers.environment)
        self._recorded: Pointer | None = (
            None  # the last version that the registry was found to have
        )

    def close(self) -> None:
        """End every watch; wait until the registry has what was written."""
        self._api.close()
        self._recording.close()

    @property
    def environment(self) -> str:
        return self._deployers.environment

    def now(self) -> datetime:
        return self._api.now()

    # -- pointers

    def current(self) -> Pointer | None:
        held = self._held()
        return self._current(held)

    def ignores_last(self) -> bool:
        held = self._held()
        there = list(self._counting(held))
        return len(there) < len(held) or newest(there) != self._current(held)

    def history(self) -> Iterator[Pointer]:
        last: Pointer | None = None
        for pointer in self._latest():
            yield pointer
            last = pointer
        if last is not None and last.number == 1:
            return
        for pointer in self._recording.history():
            if last is None or pointer.number < last.number:
                yield pointer

    def append(self, envelope: bytes) -> Pointer:
        new = self._deployers.read(envelope)
        for _ in range(_TRIES):
            with suppress(ClusterConflict):
                return self._appended(new, envelope)
        raise PointerMoved(
            self.environment, f"its ConfigMap changed {_TRIES} times during the write"
        )

    def _appended(self, new: Pointer, envelope: bytes) -> Pointer:
        """Write a version beside those before it; ClusterConflict where somebody writes meanwhile."""
        obj = self._object() or self._made()
        held = _versions(obj)
        last = newest([self._recorded, self._newest(held)])
        if new.number != (1 if last is None else last.number + 1):
            raise PointerMoved(self.environment, what_came_first(last))
        kept = self._kept(held, new.number, envelope)
        self._write(obj, kept)
        self._recording.record(list(kept.values()))
        return new

    def watch(self, after: int = 0) -> Iterator[Pointer]:
        recorded = self._recording.last()
        if recorded is not None and recorded.number > after:
            after = recorded.number
            yield recorded
        for obj in self._api.follow(CONFIG_MAPS, NAME):
            found = self._newest(_versions(obj))
            if found is not None and found.number > after:
                after = found.number
                yield found

    # -- gateways

    def report(self, state: GatewayState) -> None:
        self._leases.report(state)

    def leave(self, gateway: str) -> None:
        self._leases.leave(gateway)

    def gateways(self) -> tuple[GatewayState, ...]:
        now, known = self._leases.known()
        return tuple(state for state in known if is_running(state.seen, now))

    def lost_gateways(self) -> tuple[GatewayState, ...]:
        now, known = self._leases.known()
        return tuple(state for state in known if not is_running(state.seen, now))

    # -- the object

    def _current(self, held: Mapping[int, bytes]) -> Pointer | None:
        there = self._newest(held)
        recorded = self._recording.last()
        self._recorded = newest([recorded, self._recorded])
        if there is None or (recorded is not None and recorded.number >= there.number):
            return recorded
        self._recording.repair(list(held.values()))
        # Of the version before it the registry's entry is known, or the one that it follows itself.
        return replace(there, entry=recorded.entry if recorded else there.follows)

    def _latest(self) -> Iterator[Pointer]:
        """The versions that the ConfigMap keeps without a gap, the newest first."""
        held = self._held()
        last = self._current(held)
        if last is None:
            return
        yield last
        for pointer in self._counting(held):
            if pointer.number == last.number - 1:
                yield pointer
                last = pointer

    def _newest(self, held: Mapping[int, bytes]) -> Pointer | None:
        return next(self._counting(held), None)

    def _counting(self, held: Mapping[int, bytes]) -> Iterator[Pointer]:
        """The versions that count, each under its own number, the newest first."""
        for number in sorted(held, reverse=True):
            pointer = read_counting(self._deployers, held[number])
            if pointer is not None and pointer.number == number:
                yield pointer

    def _kept(self, held: Mapping[int, bytes], number: int, envelope: bytes) -> Mapping[int, bytes]:
        """A new version, and those before it that are kept beside it; the oldest comes first."""
        kept, room = {number: envelope}, _KEPT_BYTES - len(envelope)
        for earlier in self._counting(held):
            room -= len(held[earlier.number])
            if room < 0 or len(kept) == _KEPT:
                break
            kept[earlier.number] = held[earlier.number]
        return dict(sorted(kept.items()))

    def _held(self) -> dict[int, bytes]:
        return _versions(self._object())

    def _object(self) -> Object | None:
        return self._api.get(CONFIG_MAPS, NAME)

    def _made(self) -> Object:
        """The object without a version, made where there is none: by a manager of its own, who says
        nothing of the versions, so that of two who make it at once none takes the other's away.
        """
        empty = {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": NAME, "labels": _LABELS},
        }
        return self._api.apply(CONFIG_MAPS, empty, manager=f"{MANAGER}-made")

    def _write(self, before: Object, versions: Mapping[int, bytes]) -> None:
        obj = {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {
                "name": NAME,
                "labels": _LABELS,
                "resourceVersion": before["metadata"]["resourceVersion"],
            },
            "data": {str(number): envelope.decode() for number, envelope in versions.items()},
        }
        self._api.apply(CONFIG_MAPS, obj, manager=MANAGER)


def _versions(obj: Object | None) -> dict[int, bytes]:
    """The envelopes by the numbers under which they are kept; nothing is verified."""
    data = (obj or {}).get("data") or {}
    return {
        int(key): text.encode()
        for key, text in data.items()
        if key.isascii() and key.isdecimal() and len(key) < 16
    }
