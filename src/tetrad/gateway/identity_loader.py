"""Makes an identity ready: its files laid out, its runtime built, one probe answered."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

from tetrad.canonical import Digest
from tetrad.corpora import VectorStore
from tetrad.engines.count import counter_of
from tetrad.engines.interfaces import ComputingEngine
from tetrad.errors import EngineUnavailable
from tetrad.gateway.counted import Counted
from tetrad.gateway.daemon_threads import in_daemon_thread
from tetrad.gateway.loaded import LoadedIdentity
from tetrad.gateway.sample_request import sample_variables
from tetrad.gateway.shared_models import Lease, SharedModels
from tetrad.gateway.unpacked import Unpacked, unpacked
from tetrad.model import ScriptedEngine, Stack
from tetrad.pointer import ServedIdentity
from tetrad.runtime.answering import Runtime
from tetrad.runtime.answering import build as build_runtime
from tetrad.snapshots import Snapshot
from tetrad.telemetry import served_by
from tetrad.tools import LiveRun, LiveToolbox

_PROBE_TOKENS = 8
_PROBE_S = 120.0  # a model on a CPU is loaded with its first request


class IdentityLoader:
    """Makes identities ready, from snapshots that `snapshot_of` finds by their digests."""

    def __init__(
        self,
        snapshot_of: Callable[[Digest], Snapshot],
        models: SharedModels,
        tools: LiveRun,
        vectors: VectorStore | None = None,
    ) -> None:
        """`snapshot_of` verifies what it finds, and is called in threads."""
        self._snapshot_of = snapshot_of
        self._models = models
        self._tools = tools
        self._vectors = vectors

    async def load(self, served: ServedIdentity, counted: Counted) -> LoadedIdentity:
        """TetradError where the identity cannot be had, or does not answer."""
        made = await in_daemon_thread(lambda: self._unpacked(served))
        lease = self._models.lease(made.files)
        try:
            engine, runtime = await in_daemon_thread(lambda: self._built(made, lease))
            await _probe(made.stack, runtime, engine)
        except BaseException:
            await lease.aclose()
            raise
        toolbox = LiveToolbox(
            made.stack.tools,
            made.files.folder(),
            self._tools,
            effects=("read", "write", "destructive"),  # which the runtime has confirmed
        )
        return LoadedIdentity(
            served=served,
            stack=made.stack,
            runtime=runtime,
            toolbox=toolbox,
            counted=counted,
            names=served_by(made.stack, served.identity),
            lease=lease,
        )

    def _unpacked(self, served: ServedIdentity) -> Unpacked:
        snapshot = self._snapshot_of(served.snapshot)
        return unpacked(snapshot, served.identity, self._models.store.root)

    def _built(self, made: Unpacked, lease: Lease) -> tuple[ComputingEngine, Runtime]:
        engine = lease.engine(made.stack.model)
        count = counter_of(made.stack.model, files=made.files, store=self._models.store)
        if made.stack.prompt.why_no_history is None:
            count("")  # fetches the tokenizer now, while nobody waits for an answer
        runtime = build_runtime(
            made.stack,
            engine=engine,
            embedder_of=lease.embedder,
            count=count,
            files=made.files,
            cache=self._models.store.root / "embeddings",
            vectors=self._vectors,
        )
        return engine, runtime


async def _probe(stack: Stack, runtime: Runtime, engine: ComputingEngine) -> None:
    """Ask one short answer, as the stack would ask it; no tool is called."""
    prepared = await in_daemon_thread(lambda: runtime.prepare(sample_variables(stack)))
    request = prepared.request
    if request is None or isinstance(stack.model.engine, ScriptedEngine):
        return  # a script answers what it knows, and need not know this
    limit = min(request.generation.max_tokens or _PROBE_TOKENS, _PROBE_TOKENS)
    short = replace(request, generation=replace(request.generation, max_tokens=limit))
    try:
        async with asyncio.timeout(_PROBE_S):
            await engine.complete(short)
    except TimeoutError as error:
        raise EngineUnavailable(f"no answer to a probe in {_PROBE_S:g} s") from error
