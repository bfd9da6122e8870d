"""An engine that is built when something is asked of it."""

from __future__ import annotations

from collections.abc import Callable

from tetrad.engines.base import Engine
from tetrad.model import Model, TorchEngine
from tetrad.results.exchange import Completion, Request


class Deferred:
    """A model's engine before it is needed.

    Preparing requests asks nothing of an engine but whether it calls tools by itself, so `tetrad
    plan`, and a gate that nothing moves, need neither weights nor an endpoint's address.
    """

    def __init__(self, model: Model, build: Callable[[], Engine]) -> None:
        self.native_tools = not isinstance(model.engine, TorchEngine)
        self._build = build
        self._built: Engine | None = None

    @property
    def name(self) -> str:
        return self._engine().name

    @property
    def concurrency(self) -> int:
        return self._engine().concurrency

    async def complete(self, request: Request) -> Completion:
        return await self._engine().complete(request)

    async def aclose(self) -> None:
        if self._built is not None:
            await self._built.aclose()

    def _engine(self) -> Engine:
        if self._built is None:
            self._built = self._build()
        return self._built
