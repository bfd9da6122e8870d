"""The asynchronous front of the torch engine: requests in, one thread that answers them in batches.

The thread is started by the first request and loads the model; the event loop stays free.
"""

from __future__ import annotations

import asyncio
import atexit
import queue
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from tetrad.artifacts.progress import Progress, Unwatched
from tetrad.engines.interfaces import Pieces
from tetrad.engines.torch.inquiry import Inquiry
from tetrad.engines.torch.memory import lack_of_memory_told
from tetrad.engines.torch.versions import device_name, engine_build
from tetrad.errors import EngineUnavailable
from tetrad.model import Model, TorchEngine
from tetrad.results.exchange import Completion, Request

if TYPE_CHECKING:
    from tetrad.engines.torch.batcher import Batcher

# Requests that arrive within this time of each other are planned together.
_GATHER_S = 0.02


class InProcessEngine:
    """Answers requests with a model of its own."""

    # twice the rows that are written at once, so that an ended answer's row is refilled at once
    concurrency = 256
    # small models call tools by JSON under a constraint, which the runtime asks for
    native_tools = False

    def __init__(
        self,
        model: Model,
        files: Mapping[str, Path],
        *,
        cache: Path,
        progress: Progress | None = None,
    ) -> None:
        assert isinstance(model.engine, TorchEngine)  # noqa: S101  # build.py chooses by it
        self._model = model
        self._dtype = model.engine.dtype
        self._files = files
        self._cache = cache
        self._progress = progress
        self._inbox: queue.SimpleQueue[Inquiry | None] = queue.SimpleQueue()
        self._open: set[Future[Completion]] = set()
        self._thread: threading.Thread | None = None
        self._closed = threading.Event()

    @property
    def name(self) -> str:
        return f"torch {device_name()} {self._dtype}"

    @property
    def build(self) -> str:
        return engine_build(self._model)

    async def learn_build(self) -> str:
        return self.build

    async def complete(self, request: Request) -> Completion:
        return await asyncio.wrap_future(self._ask(request))

    async def stream(self, request: Request) -> Pieces:
        """Pieces come as fast as all answers in progress are written together."""
        loop = asyncio.get_running_loop()
        heard: asyncio.Queue[str | None] = asyncio.Queue()

        def hear(piece: str | None) -> None:
            with suppress(RuntimeError):  # the loop was closed, so nobody listens
                loop.call_soon_threadsafe(heard.put_nowait, piece)

        future = self._ask(request, hear)
        future.add_done_callback(lambda _: hear(None))
        given: list[str] = []
        try:
            while (piece := await heard.get()) is not None:
                given.append(piece)
                yield piece
        finally:
            future.cancel()
        completion = future.result()
        before = "".join(given)
        if not completion.text.startswith(before):
            raise EngineUnavailable("the tokenizer decodes the answer otherwise than its parts")
        if rest := completion.text.removeprefix(before):
            yield rest
        yield completion

    def _ask(
        self, request: Request, hear: Callable[[str], None] | None = None
    ) -> Future[Completion]:
        if self._closed.is_set():
            raise EngineUnavailable("the torch engine is closed")
        if self._thread is None:
            self._thread = threading.Thread(target=self._serve, name="tetrad-torch", daemon=True)
            self._thread.start()
            atexit.register(self._stop)
        future: Future[Completion] = Future()
        self._open.add(future)
        future.add_done_callback(self._open.discard)
        self._inbox.put(Inquiry(request=request, future=future, hear=hear))
        return future

    async def aclose(self) -> None:
        """Stop after the step in progress; requests without an answer are refused."""
        self._closed.set()  # at once: whoever asks from now on is refused
        await asyncio.to_thread(self._stop)
        atexit.unregister(self._stop)

    def _stop(self) -> None:
        """End the thread, also at exit: an interpreter that goes while torch computes is aborted."""
        self._closed.set()
        self._inbox.put(None)
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def _serve(self) -> None:
        desk: Batcher | None = None
        while asked := self._gather():
            try:
                with lack_of_memory_told("the torch engine"):
                    if desk is None:
                        desk = self._load()
                    desk.serve(asked, self._arrivals)
            except Exception as error:  # noqa: BLE001  # whoever waits is told, whatever it was
                self._refuse(error)
        self._refuse(EngineUnavailable("the torch engine was closed before it responded"))

    def _gather(self) -> list[Inquiry]:
        """Wait for requests and for those that follow closely; none when the engine is closed."""
        asked: list[Inquiry] = []
        timeout = None
        while not self._closed.is_set():
            try:
                item = self._inbox.get(timeout=timeout)
            except queue.Empty:
                return asked
            if item is not None:
                asked.append(item)
            timeout = _GATHER_S
        return []

    def _arrivals(self) -> list[Inquiry]:
        """Requests that have come since, without waiting; raises when the engine is closed."""
        asked: list[Inquiry] = []
        while not self._inbox.empty():
            item = self._inbox.get()
            if item is not None:
                asked.append(item)
        if self._closed.is_set():
            raise EngineUnavailable("the torch engine was closed before it responded")
        return asked

    def _refuse(self, error: Exception) -> None:
        for future in list(self._open):
            if future.set_running_or_notify_cancel():
                future.set_exception(error)

    def _load(self) -> Batcher:
        loading = (self._progress or Unwatched()).start(None, "loading the model")
        try:
            from tetrad.engines.torch.batcher import load_desk  # which loads torch

            return load_desk(
                self._model,
                self._files,
                dtype=self._dtype,
                cache=self._cache,
                progress=self._progress,
            )
        finally:
            loading.finish()
