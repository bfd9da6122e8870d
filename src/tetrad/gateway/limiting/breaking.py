"""A model server behind a circuit breaker: while it is open, nobody waits for a server that is down."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import aclosing, contextmanager

from tetrad.engines.interfaces import ComputingEngine, Pieces
from tetrad.errors import EngineRefused, EngineRejected, EngineUnavailable
from tetrad.gateway.limiting.breaker import Breaker
from tetrad.results.exchange import Completion, Request


class Breaking:
    """An engine that all identities with this model share; used on one event loop."""

    def __init__(
        self,
        engine: ComputingEngine,
        *,
        tell: Callable[[bool], None] = lambda _: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`tell` hears after each attempt whether the engine is left alone."""
        self._engine = engine
        self._tell = tell
        self._clock = clock
        self._breaker = Breaker()

    @property
    def name(self) -> str:
        return self._engine.name

    @property
    def concurrency(self) -> int:
        return self._engine.concurrency

    @property
    def native_tools(self) -> bool:
        return self._engine.native_tools

    @property
    def build(self) -> str | None:
        return self._engine.build

    async def learn_build(self) -> str:
        return await self._engine.learn_build()

    async def complete(self, request: Request) -> Completion:
        with self._attempt():
            return await self._engine.complete(request)

    async def stream(self, request: Request) -> Pieces:
        with self._attempt():
            async with aclosing(self._engine.stream(request)) as pieces:
                async for piece in pieces:
                    yield piece

    async def aclose(self) -> None:
        await self._engine.aclose()

    @contextmanager
    def _attempt(self) -> Iterator[None]:
        breaker = self._breaker
        attempt = breaker.attempt(self._clock())
        if attempt is None:
            wait = breaker.retry_s(self._clock())
            raise EngineUnavailable(
                f"{self.name}: too many requests failed; retrying in {wait:.0f} s",
                requests=0,
            )
        try:
            yield
        except EngineRejected:  # this request was wrong, and the server is well
            breaker.succeed(attempt, self._clock())
            raise
        except (EngineUnavailable, EngineRefused):
            breaker.fail(attempt, self._clock())
            raise
        except BaseException:  # whoever asked has gone
            breaker.drop(attempt)
            raise
        else:
            breaker.succeed(attempt, self._clock())
        finally:
            self._tell(breaker.state(self._clock()) != "closed")
