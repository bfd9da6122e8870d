"""An engine that never asks a kept question again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Self

from tetrad.canonical import Digest
from tetrad.engines.interfaces import (
    AnsweredLate,
    ComputingEngine,
    Pieces,
    in_one_piece,
    request_digest,
)
from tetrad.errors import DatabaseError, EngineRefused, EngineUnavailable
from tetrad.evals.answer_store import AnswerStore, BuildMoved, KeptAnswers
from tetrad.results.exchange import Completion, Request
from tetrad.results.outcome import Calls

# How long an answer waits for company before it is committed: what a kill can cost.
COMMIT_WITHIN_S = 0.05
# How long another process's answer is waited for, before it is looked for again.
_LOOK_S, _LOOK_AT_MOST_S = 0.05, 0.5
# How often one request may be answered in a way that is of no use before that is said.
UNUSABLE_ANSWERS = 3


def _is_answer(completion: Completion) -> bool:  # noqa: ARG001 - whatever a model says is an answer
    return True


class Recorded:
    """Answers from a store what the model was asked before, and keeps what it is asked now.

    The key is the model's digest, the engine's build and the request's digest; a request's `sample`
    makes the repeats of a case different questions. Equal requests in flight are asked once.
    """

    def __init__(self, engine: ComputingEngine, store: AnswerStore, model: Digest) -> None:
        self.calls = Calls()
        self._engine = engine
        self._store = store
        self._kept = KeptAnswers(store, model, engine.build)
        self._learning: asyncio.Future[str] | None = None
        self._flights: dict[Digest, asyncio.Future[Completion]] = {}
        self._commit_is_due = False
        self._uncommitted: list[bytes] = []  # questions that are claimed until their answers are

    @property
    def name(self) -> str:
        return self._engine.name

    @property
    def build(self) -> str:
        """What computed the answers; empty where an endpoint was not asked and nothing was kept."""
        return self._kept.build or ""

    @property
    def concurrency(self) -> int:
        return self._engine.concurrency

    @property
    def native_tools(self) -> bool:
        return self._engine.native_tools

    def ready(self) -> Self:
        """Have the engine built where that was put off; raises what building raises."""
        _ = self._engine.concurrency
        return self

    async def complete(
        self, request: Request, *, usable: Callable[[Completion], bool] = _is_answer
    ) -> Completion:
        """The answer, kept or new. One that is not `usable` is never kept: it is asked for again a
        few times, and the last one is returned.
        """
        key = request_digest(request)
        while True:
            if (flight := self._flights.get(key)) is not None:
                # Whoever asks may be cancelled; the next in line then asks for itself.
                await asyncio.wait([flight])
                if not flight.cancelled():
                    answered = replace(flight.result(), cached=True)
                    self.calls += Calls(cached=1)
                    return answered
            elif (kept := self._kept.find(key)) is not None and usable(kept):
                self.calls += Calls(cached=1)
                return kept
            elif self._kept.is_known:
                return await self._ask(key, request, usable)
            else:
                await self._settle()

    def stream(self, request: Request) -> Pieces:
        return in_one_piece(partial(self.complete, request))

    def commit(self) -> None:
        """Commit what is held back, of all engines that share the store."""
        self._store.commit()

    async def aclose(self) -> None:
        await self._engine.aclose()

    async def _ask(
        self, key: Digest, request: Request, usable: Callable[[Completion], bool]
    ) -> Completion:
        flight = self._flights[key] = asyncio.get_running_loop().create_future()
        question = self._kept.question(key)
        try:
            completion = await self._of_another_process(key, question, usable)
            if completion is None:
                completion = await self._answered(request, usable)
        except AnsweredLate as late:
            flight.cancel()
            self._keep(key, question, late.completion, usable)
            raise
        except BaseException as error:
            self._store.release(question)
            if isinstance(error, EngineUnavailable | EngineRefused):
                self.calls += Calls(made=error.requests)
            if isinstance(error, asyncio.CancelledError):
                flight.cancel()
            else:
                flight.set_exception(error)
                flight.exception()  # asked for here, since there may be nobody else to ask
            raise
        finally:
            del self._flights[key]
        flight.set_result(completion)
        if completion.cached:
            self.calls += Calls(cached=1)
        else:
            self._keep(key, question, completion, usable)
        return completion

    def _keep(
        self,
        key: Digest,
        question: bytes,
        completion: Completion,
        usable: Callable[[Completion], bool],
    ) -> None:
        if usable(completion):
            self._kept.keep(key, completion)
            self._uncommitted.append(question)
            self._commit_soon()
        else:
            self._store.release(question)

    async def _of_another_process(
        self, key: Digest, question: bytes, usable: Callable[[Completion], bool]
    ) -> Completion | None:
        """The answer that another process was asking for, too; None once the question is ours."""
        look_s = _LOOK_S
        while True:
            is_ours = self._store.claim(question)
            kept = self._kept.find(key)  # after the claim: it may have been answered before that
            if kept is not None and usable(kept):
                if is_ours:
                    self._store.release(question)
                return kept
            if is_ours:
                if kept is not None:
                    self._kept.forget(key)
                return None
            await asyncio.sleep(look_s)
            look_s = min(1.5 * look_s, _LOOK_AT_MOST_S)

    async def _answered(self, request: Request, usable: Callable[[Completion], bool]) -> Completion:
        for attempt in range(1, UNUSABLE_ANSWERS + 1):
            completion = await self._engine.complete(request)
            self.calls += Calls(made=completion.requests)
            if usable(completion) or attempt == UNUSABLE_ANSWERS:
                break
        return completion

    async def _settle(self) -> None:
        """Learn the engine's build, asked once by however many wait for it."""
        learning = self._learning = self._learning or asyncio.ensure_future(
            self._engine.learn_build()
        )
        try:
            build = await asyncio.shield(learning)
        finally:
            if learning.done():
                self._learning = None
        try:
            self._kept.settle(build)
        except BuildMoved:
            self.calls = Calls(made=self.calls.made)  # what was served does not count
            raise

    def _commit_soon(self) -> None:
        if not self._commit_is_due:
            self._commit_is_due = True
            asyncio.get_running_loop().call_later(COMMIT_WITHIN_S, self._commit)

    def _commit(self) -> None:
        self._commit_is_due = False
        try:
            self._store.commit()
        except DatabaseError:
            # Nobody waits for a timer. What could not be committed is still held, so the next
            # commit, at the latest the runner's, fails where it can be told.
            return
        for question in self._uncommitted:
            self._store.release(question)
        self._uncommitted.clear()
