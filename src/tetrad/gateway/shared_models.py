"""Engines and embedders, each built once for all identities that use the same model."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from threading import Lock
from typing import Generic, TypeAlias, TypeVar

from tetrad.artifacts.progress import Progress
from tetrad.artifacts.store import Store
from tetrad.engines.interfaces import ComputingEngine, Embedder
from tetrad.engines.unbraked import Unbraked
from tetrad.engines.wiring import address_of, build_embedder, build_engine
from tetrad.gateway.limiting.breaking import Breaking
from tetrad.gateway.upstreams import served_name
from tetrad.identity import component_digest
from tetrad.model import Model, OpenAIEngine, VllmEngine
from tetrad.trees import FileTree

_T = TypeVar("_T")
# What decides an answer, and how this process gets it: an address is not part of an identity.
_Key: TypeAlias = tuple[str, str]


@dataclass(slots=True, eq=False)
class _Shared(Generic[_T]):
    """One built object and how many identities use it; the lock is held while it is built."""

    lock: Lock = field(default_factory=Lock)
    built: _T | None = None
    users: int = 0


class SharedModels:
    """Built in the threads that load identities, and closed with the last identity that used them."""

    def __init__(
        self,
        store: Store,
        *,
        offline: bool = False,
        progress: Progress | None = None,
        tell_circuit: Callable[[str, bool], None] = lambda _, __: None,
    ) -> None:
        """`tell_circuit` hears of each model server whether it is left alone."""
        self.store = store
        self._offline = offline
        self._progress = progress
        self._tell_circuit = tell_circuit
        self._lock = Lock()
        self._engines: dict[_Key, _Shared[ComputingEngine]] = {}
        self._embedders: dict[_Key, _Shared[Embedder]] = {}

    def lease(self, files: FileTree) -> Lease:
        """What an identity whose files these are uses."""
        return Lease(self, files)

    def _build_engine(self, model: Model, files: FileTree) -> ComputingEngine:
        if isinstance(model.engine, OpenAIEngine | VllmEngine):
            from tetrad.engines.endpoint import Endpoint

            address = address_of(model, os.environ)
            name = served_name(model, address)
            endpoint = Endpoint(replace(address, model=name), brake=Unbraked())
            endpoint.connect()
            return Breaking(endpoint, tell=partial(self._tell_circuit, model.name))
        return build_engine(
            model, files=files, store=self.store, offline=self._offline, progress=self._progress
        )

    def _build_embedder(self, model: Model, files: FileTree) -> Embedder:
        return build_embedder(
            model, files=files, store=self.store, offline=self._offline, progress=self._progress
        )

    def _take(
        self, shelf: dict[_Key, _Shared[_T]], model: Model, build: Callable[[], _T]
    ) -> tuple[_Key, _T]:
        key = (str(component_digest(model)), repr(model.engine))
        with self._lock:
            shared = shelf.setdefault(key, _Shared())
            shared.users += 1
        try:
            with shared.lock:
                if shared.built is None:
                    shared.built = build()
                return key, shared.built
        except BaseException:
            self._leave(shelf, key)
            raise

    def _leave(self, shelf: dict[_Key, _Shared[_T]], key: _Key) -> _T | None:
        """What nobody uses any more."""
        with self._lock:
            shared = shelf[key]
            shared.users -= 1
            if shared.users:
                return None
            del shelf[key]
            return shared.built


class Lease:
    """The models of one identity, until it is unloaded."""

    def __init__(self, models: SharedModels, files: FileTree) -> None:
        self._models = models
        self._files = files
        self._engines: list[_Key] = []
        self._embedders: list[_Key] = []

    def engine(self, model: Model) -> ComputingEngine:
        models = self._models
        key, engine = models._take(  # noqa: SLF001 - a lease is the other half of SharedModels
            models._engines,  # noqa: SLF001
            model,
            lambda: models._build_engine(model, self._files),  # noqa: SLF001
        )
        self._engines.append(key)
        return engine

    def embedder(self, model: Model) -> Embedder:
        models = self._models
        key, embedder = models._take(  # noqa: SLF001
            models._embedders,  # noqa: SLF001
            model,
            lambda: models._build_embedder(model, self._files),  # noqa: SLF001
        )
        self._embedders.append(key)
        return embedder

    async def aclose(self) -> None:
        models = self._models
        while self._embedders:
            models._leave(models._embedders, self._embedders.pop())  # noqa: SLF001
        while self._engines:
            engine = models._leave(models._engines, self._engines.pop())  # noqa: SLF001
            if engine is not None:
                await engine.aclose()
