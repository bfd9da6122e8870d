"""Which identities are loaded here, and which pointer the requests that start now are answered by.

A pointer takes effect in one assignment, once every identity that it lets answer is loaded: a request
looks at it once and stays with the identity that it found.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from tetrad.canonical import Digest
from tetrad.errors import ExitCode, TetradError
from tetrad.gateway.counted import Counted
from tetrad.gateway.loaded import LoadedIdentity
from tetrad.identity import written_identity
from tetrad.pointer import Figures, Pointer, ServedIdentity

_LOG = logging.getLogger("tetrad.gateway")
_RETRY_S = (1.0, 2.0, 5.0, 10.0, 30.0)

_Key: TypeAlias = tuple[str, Digest, Digest]  # stack, identity, snapshot


class LoadsIdentities(Protocol):
    """What makes an identity ready; TetradError where it cannot."""

    async def load(self, served: ServedIdentity, counted: Counted) -> LoadedIdentity: ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Followed:
    """A pointer, and the loaded identities that it lets answer."""

    pointer: Pointer
    loaded: Mapping[_Key, LoadedIdentity]

    def chosen(self, stack: str, key: str) -> LoadedIdentity:
        """What answers a user's or a conversation's request to a stack of the pointer."""
        return self.loaded[_key(stack, self.pointer.stacks[stack].chosen(key))]

    def live(self, stack: str) -> LoadedIdentity:
        return self.loaded[_key(stack, self.pointer.stacks[stack].live)]

    @property
    def deployment(self) -> str:
        return f"{self.pointer.environment}/{self.pointer.number}"


class Fleet:
    """All identities that are loaded here or on their way; used on one event loop."""

    def __init__(self, loader: LoadsIdentities) -> None:
        self.followed: Followed | None = None
        self.changed = asyncio.Event()  # something that a state says has changed
        self._loader = loader
        self._newest: Pointer | None = None
        self._loaded: dict[_Key, LoadedIdentity] = {}
        self._loading: dict[_Key, asyncio.Task[None]] = {}
        self._leaving: dict[asyncio.Task[None], LoadedIdentity] = {}  # what unloads them
        self._problems: dict[_Key, TetradError] = {}
        self._counted: dict[Digest, Counted] = {}

    def follow(self, pointer: Pointer) -> None:
        """Take up a pointer: at once where what it lets answer is loaded, else when it is."""
        if self._newest is not None and pointer.number <= self._newest.number:
            return
        self._newest = pointer
        self._advance()

    @property
    def number(self) -> int:
        """Of the pointer by which every request that starts now is answered; 0 before there is one."""
        return 0 if self.followed is None else self.followed.pointer.number

    @property
    def problem(self) -> str:
        """Why the newest pointer, or what it retains, is not here yet; empty where it is."""
        told = [
            f"{key[0]}: {written_identity(key[1])}: {why}" for key, why in self._problems.items()
        ]
        if not told and self._newest is not None and self.number < self._newest.number:
            told = [f"loading {key[0]}: {written_identity(key[1])}" for key in self._loading]
        return "\n".join(told)

    @property
    def unloadable(self) -> Mapping[str, str]:
        """What no further try loads until somebody acts, and why."""
        return {
            written_identity(key[1]): str(error).partition("\n")[0]
            for key, error in self._problems.items()
            if error.exit_code is not ExitCode.INCONCLUSIVE
        }

    @property
    def answers_withdrawn(self) -> bool:
        """Whether an identity still answers here that the newest pointer has withdrawn."""
        if self._newest is None or self.followed is None:
            return False
        withdrawn = {
            (stack.stack, withdrawal.identity)
            for stack in self._newest.stacks.values()
            for withdrawal in stack.withdrawn
        }
        return any(key[:2] in withdrawn for key, _ in _answering(self.followed.pointer))

    def is_warm(self, stack: str, served: ServedIdentity) -> bool:
        return _key(stack, served) in self._loaded

    def warm(self, stack: str, served: ServedIdentity) -> LoadedIdentity | None:
        """A retained identity, where it is loaded."""
        return self._loaded.get(_key(stack, served))

    def figures(self) -> Mapping[str, Figures]:
        """What was counted of the identities that the newest pointer names."""
        newest = self._newest
        if newest is None:
            return {}
        named = {served.identity for _, served in newest.loaded()}
        named |= {gone.identity for stack in newest.stacks.values() for gone in stack.withdrawn}
        return {
            written_identity(identity): counted.figures()
            for identity, counted in self._counted.items()
            if identity in named
        }

    @property
    def grace_s(self) -> float | None:
        """How long answers under way have at most; None for as long as they need."""
        return None if self._newest is None else self._newest.retain.grace_s

    @property
    def ends_by(self) -> float:
        """When all that is under way has ended by itself, by `time.monotonic`."""
        every = (*self._loaded.values(), *self._leaving.values())
        return max((loaded.ends_by for loaded in every), default=0.0)

    async def close(self) -> None:
        """Unload everything, and end what is under way."""
        for task in self._loading.values():
            task.cancel()
        for loaded in (*self._loaded.values(), *self._leaving.values()):
            loaded.cut()
        for loaded in self._loaded.values():
            self._unload(loaded)
        self._loaded.clear()
        await asyncio.gather(*self._loading.values(), *self._leaving, return_exceptions=True)

    def _advance(self) -> None:
        """Load what is missing, those that answer first; switch when they are there."""
        newest = self._newest
        assert newest is not None  # noqa: S101 - there is one before anything is loaded
        answering = dict(_answering(newest))
        if answering.keys() <= self._loaded.keys():
            self.followed = Followed(
                pointer=newest, loaded={key: self._loaded[key] for key in answering}
            )
            answering.update((_key(s.stack, served), served) for s, served in newest.loaded())
        self._drop_surplus(newest)
        for key, served in answering.items():
            if key not in self._loaded and key not in self._loading:
                self._loading[key] = asyncio.create_task(self._load(key, served))
        self.changed.set()

    def _drop_surplus(self, newest: Pointer) -> None:
        kept = {_key(stack.stack, served) for stack, served in newest.loaded()}
        for key in [key for key in self._loading if key not in kept]:
            self._loading.pop(key).cancel()
        for key in [key for key in self._problems if key not in kept]:
            del self._problems[key]
        if self.followed is not None:
            kept.update(self.followed.loaded)
        for key in [key for key in self._loaded if key not in kept]:
            self._unload(self._loaded.pop(key))

    def _unload(self, loaded: LoadedIdentity) -> None:
        task = asyncio.create_task(loaded.close(self.grace_s))
        self._leaving[task] = loaded
        task.add_done_callback(lambda done: self._leaving.pop(done, None))

    async def _load(self, key: _Key, served: ServedIdentity) -> None:
        """Try until it is loaded or nobody wants it any more."""
        counted = self._counted.setdefault(served.identity, Counted())
        tries = 0
        while True:
            try:
                self._loaded[key] = await self._loader.load(served, counted)
                break
            except TetradError as error:
                if str(self._problems.get(key)) != str(error):
                    _LOG.warning("%s: %s: %s", key[0], written_identity(key[1]), error)
                self._problems[key] = error
                self.changed.set()
            await asyncio.sleep(_RETRY_S[min(tries, len(_RETRY_S) - 1)])
            tries += 1
        self._problems.pop(key, None)
        self._loading.pop(key, None)
        self._advance()


def _answering(pointer: Pointer) -> Iterator[tuple[_Key, ServedIdentity]]:
    for stack in pointer.stacks.values():
        for served in stack.answering:
            yield _key(stack.stack, served), served


def _key(stack: str, served: ServedIdentity) -> _Key:
    return stack, served.identity, served.snapshot
