"""The asynchronous front of the torch engine: requests in, one thread that answers them in batches.

The thread is started by the first request and loads the model; the event loop stays free.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Mapping
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING

from tetrad.engines.torch.folder import gguf_of, hugging_face_files, laid_out
from tetrad.engines.torch.progress import Progress
from tetrad.errors import EngineUnavailable, TetradError
from tetrad.results.exchange import Completion, Request
from tetrad.spec.model import Model
from tetrad.spec.model import TorchEngine as TorchSettings

if TYPE_CHECKING:
    from tetrad.engines.torch.answering import Answering, Job

# Requests that arrive within this time of each other are answered together.
_GATHER_S = 0.02


class TorchEngine:
    """Answers requests with a model of its own."""

    concurrency = 256

    def __init__(
        self,
        model: Model,
        files: Mapping[str, Path],
        *,
        cache: Path,
        progress: Progress | None = None,
    ) -> None:
        assert isinstance(model.engine, TorchSettings)  # noqa: S101  # build.py chooses by it
        self._model = model
        self._dtype = model.engine.dtype
        self._files = files
        self._cache = cache
        self._progress = progress
        self._inbox: queue.SimpleQueue[tuple[Request, Future[Completion]] | None] = (
            queue.SimpleQueue()
        )
        self._thread: threading.Thread | None = None
        self._closed = False

    @property
    def name(self) -> str:
        return f"torch {device_name()} {self._dtype}"

    async def complete(self, request: Request) -> Completion:
        if self._closed:
            raise EngineUnavailable("the torch engine is closed")
        if self._thread is None:
            self._thread = threading.Thread(target=self._serve, name="tetrad-torch", daemon=True)
            self._thread.start()
        future: Future[Completion] = Future()
        self._inbox.put((request, future))
        return await asyncio.wrap_future(future)

    async def aclose(self) -> None:
        """Stop after the batch in progress; what still waits is refused."""
        self._closed = True
        if self._thread is not None:
            self._inbox.put(None)
            await asyncio.to_thread(self._thread.join)
            self._thread = None

    def _serve(self) -> None:
        answering: Answering | None = None
        while arrived := self._gather():
            try:
                if answering is None:
                    answering = self._load()
                answering.run(self._jobs(answering, arrived), list)
            except Exception as error:  # noqa: BLE001  # every waiting request is told
                for _, future in arrived:
                    if not future.done():
                        future.set_exception(error)

    def _gather(self) -> list[tuple[Request, Future[Completion]]]:
        """Wait for requests; nothing when the engine is closed."""
        first = self._inbox.get()
        if first is None:
            return []
        arrived = [first]
        while True:
            try:
                item = self._inbox.get(timeout=_GATHER_S)
            except queue.Empty:
                return arrived
            if item is None:
                self._inbox.put(None)
                return arrived
            arrived.append(item)

    def _load(self) -> Answering:
        from tetrad.engines.torch.answering import Answering
        from tetrad.engines.torch.convert import converted
        from tetrad.engines.torch.network import load_network
        from tetrad.engines.torch.text import load_text

        gguf = gguf_of(self._files)
        if gguf is not None:
            folder = converted(gguf, cache=self._cache, progress=self._progress)
            return Answering(load_network(folder, dtype=self._dtype), load_text(folder))
        with laid_out(hugging_face_files(self._files)) as folder:
            return Answering(load_network(folder, dtype=self._dtype), load_text(folder))

    def _jobs(
        self, answering: Answering, arrived: list[tuple[Request, Future[Completion]]]
    ) -> list[Job]:
        jobs = []
        for request, future in arrived:
            try:
                jobs.append(self._job(answering, request, future))
            except TetradError as error:
                future.set_exception(error)
        return jobs

    def _job(self, answering: Answering, request: Request, future: Future[Completion]) -> Job:
        from tetrad.engines.torch.answering import DEFAULT_MAX_TOKENS, Job

        tokens = answering.text.prompt(request)
        window = min(
            self._model.context_window or answering.network.positions, answering.network.positions
        )
        limit = request.generation.max_tokens or DEFAULT_MAX_TOKENS
        if len(tokens) >= window:
            raise EngineUnavailable(
                f"the prompt has {len(tokens)} tokens, {len(tokens) - window + 1} more than fit "
                f"into the context window of {window} with an answer"
            )
        return Job(
            request=request, tokens=tokens, limit=min(limit, window - len(tokens)), future=future
        )


def device_name() -> str:
    """`cuda` or `cpu`, found without importing torch where there is no NVIDIA driver."""
    if not Path("/dev/nvidiactl").exists():
        return "cpu"
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"
