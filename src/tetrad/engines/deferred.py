"""An engine that is built when something is asked of it."""

from __future__ import annotations

from collections.abc import Callable

from tetrad.engines.interfaces import ComputingEngine, Pieces
from tetrad.engines.wiring import known_build
from tetrad.model import Model, TorchEngine
from tetrad.results.exchange import Completion, Request


class Deferred:
    """A model's engine before it is needed.

    Preparing requests asks nothing of an engine but whether it calls tools by itself, so `tetrad
    plan`, and a gate that nothing moves, need neither weights nor an endpoint's address.
    """

    def __init__(self, model: Model, make: Callable[[], ComputingEngine]) -> None:
        self.native_tools = not isinstance(model.engine, TorchEngine)
        self._model = model
        self._make = make
        self._built: ComputingEngine | None = None

    @property
    def name(self) -> str:
        return self._engine().name

    @property
    def build(self) -> str | None:
        return known_build(self._model) if self._built is None else self._built.build

    async def learn_build(self) -> str:
        return await self._engine().learn_build()

    @property
    def concurrency(self) -> int:
        return self._engine().concurrency

    async def complete(self, request: Request) -> Completion:
        return await self._engine().complete(request)

    def stream(self, request: Request) -> Pieces:
        return self._engine().stream(request)

    async def aclose(self) -> None:
        if self._built is not None:
            await self._built.aclose()

    def _engine(self) -> ComputingEngine:
        if self._built is None:
            self._built = self._make()
        return self._built
