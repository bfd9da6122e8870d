"""What is kept of a model's answers, held to one build.

Whether answers can be compared depends on what computed them, so a run never takes those of two
builds. An engine of this process knows its build. An endpoint has to be asked for its own, which is
put off until there is something else to ask of it: as long as all is kept, the build of the first
answer that is found is taken for all of them.
"""

from __future__ import annotations

from typing import Protocol

from tetrad.canonical import Digest, digest_bytes
from tetrad.results.exchange import Completion


class BuildMoved(Exception):
    """Answers of another build than the one that now answers were served: the run begins again."""


class AnswerStore(Protocol):
    """What keeps answers, by model, build and request; several processes share it."""

    def answer(self, model: Digest, build: str, request: Digest) -> Completion | None: ...

    def build_of(self, model: Digest, request: Digest) -> str | None: ...

    def keep(self, model: Digest, build: str, request: Digest, completion: Completion) -> None: ...

    def forget(self, model: Digest, build: str, request: Digest) -> None: ...

    def commit(self) -> None: ...

    def claim(self, question: bytes) -> bool: ...

    def release(self, question: bytes) -> None: ...


class KeptAnswers:
    """The kept answers of a model, by the digest of the request."""

    def __init__(self, store: AnswerStore, model: Digest, build: str | None) -> None:
        self._store = store
        self._model = model
        self._build = build
        self._is_known = build is not None

    @property
    def build(self) -> str | None:
        """The build of all answers; None before the first where only an endpoint could tell."""
        return self._build

    @property
    def is_known(self) -> bool:
        """Whether the engine said so, or kept answers did."""
        return self._is_known

    def find(self, request: Digest) -> Completion | None:
        if self._build is None:
            self._build = self._store.build_of(self._model, request)
        if self._build is None:
            return None
        return self._store.answer(self._model, self._build, request)

    def question(self, request: Digest) -> bytes:
        """What tells this question from every other, in all processes."""
        build = (self._build or "").encode()
        return digest_bytes(b"".join((self._model.value, request.value, build))).value

    def keep(self, request: Digest, completion: Completion) -> None:
        """Keep what the engine answered, once it has said what its build is."""
        if self._build is None:
            raise AssertionError("an answer came before its build was known")
        self._store.keep(self._model, self._build, request, completion)

    def forget(self, request: Digest) -> None:
        """Drop an answer that is of no use, so that the next one is kept in its place."""
        if self._build is not None:
            self._store.forget(self._model, self._build, request)

    def settle(self, build: str) -> None:
        """Go by what the engine says; BuildMoved where answers of another build were taken."""
        taken, self._build, self._is_known = self._build, build, True
        if taken not in {None, build}:
            raise BuildMoved
