"""How what serves, and what it rests on outside the repository, differs from the merged state."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tetrad.artifacts.store import Store
from tetrad.engines.fingerprints import fingerprint
from tetrad.engines.wiring import build_engine
from tetrad.errors import EngineRefused, EngineUnavailable, UsageError
from tetrad.git.submodules import source_of
from tetrad.identity import identity_of, short, written_identity
from tetrad.model import Environment, Model, Repository, Stack
from tetrad.pointer import Pointer
from tetrad.trees import FileTree


@dataclass(frozen=True, kw_only=True, slots=True)
class IdentityDrift:
    """A stack whose identity serves and is not the merged one; None where it is on one side alone."""

    stack: str
    merged: str | None
    live: str | None
    why: str

    def __str__(self) -> str:
        return f"{self.stack}: {self.why}"


@dataclass(frozen=True, kw_only=True, slots=True)
class CorpusDrift:
    """A corpus whose documents are not those that its file pins."""

    corpus: str
    pinned: str
    found: str

    def __str__(self) -> str:
        return f"{self.corpus}: its documents have the digest {self.found}, pinned is {self.pinned}"


@dataclass(frozen=True, kw_only=True, slots=True)
class SourceDrift:
    """A corpus in a submodule whose source has newer commits; `found` is None where it did not answer."""

    corpus: str
    pinned: str
    found: str | None

    def __str__(self) -> str:
        if self.found is None:
            return f"{self.corpus}: the source of its submodule cannot be asked"
        return f"{self.corpus}: its source is at {self.found[:12]}, pinned is {self.pinned[:12]}"


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelDrift:
    """A model that answers its probes otherwise than when it was pinned; `found` is None where it did
    not answer.
    """

    model: str
    pinned: str
    found: str | None
    why: str

    def __str__(self) -> str:
        return f"{self.model}: {self.why}"


def served_stacks(repository: Repository, environment: Environment) -> list[Stack]:
    return [s for s in repository.stacks.values() if environment.name in s.environments]


def identities(pointer: Pointer | None, stacks: list[Stack]) -> Iterator[IdentityDrift]:
    """Stacks that serve otherwise than they are merged; an identity that is on its way does not."""
    known = {} if pointer is None else pointer.stacks
    merged = {stack.ref: identity_of(stack) for stack in stacks}
    for ref in sorted({*known, *merged} if known else ()):
        wanted, there = merged.get(ref), known.get(ref)
        if there is None and wanted is not None:
            why = f"{short(wanted)} is merged and not deployed"
            yield IdentityDrift(stack=ref, merged=written_identity(wanted), live=None, why=why)
        elif there is not None and wanted is None:
            live = there.live.identity
            why = f"{short(live)} is live, but the merged state does not serve the stack here"
            yield IdentityDrift(stack=ref, merged=None, live=written_identity(live), why=why)
        elif there and wanted and wanted not in {one.identity for one in there.answering}:
            withdrawal = there.withdrawal_of(wanted)
            why = f"{short(there.live.identity)} is live, merged is {short(wanted)}"
            yield IdentityDrift(
                stack=ref,
                merged=written_identity(wanted),
                live=written_identity(there.live.identity),
                why=f"{why}, which was {withdrawal.why}" if withdrawal else why,
            )


def corpora(stacks: list[Stack]) -> Iterator[CorpusDrift]:
    found = {s.retrieval.corpus.ref: s.retrieval.corpus for s in stacks if s.retrieval}
    for ref, corpus in sorted(found.items()):
        if corpus.written_digest is not None and corpus.written_digest != corpus.digest:
            pinned, there = str(corpus.written_digest), str(corpus.digest)
            yield CorpusDrift(corpus=ref, pinned=pinned, found=there)


def sources(root: Path, stacks: list[Stack]) -> Iterator[SourceDrift]:
    found = {s.retrieval.corpus.ref: s.retrieval.corpus for s in stacks if s.retrieval}
    for ref, corpus in sorted(found.items()):
        source = source_of(root, corpus.documents.path)
        if source is not None and source.newest != source.pinned:
            yield SourceDrift(corpus=ref, pinned=source.pinned, found=source.newest)


async def models(stacks: list[Stack], files: FileTree, store: Store) -> list[ModelDrift]:
    """Models that answer their probes otherwise, or not at all."""
    found = {model.ref: model for stack in stacks for model in stack.models}
    told = [await _model(model, files, store) for _, model in sorted(found.items())]
    return [one for one in told if one is not None]


async def _model(model: Model, files: FileTree, store: Store) -> ModelDrift | None:
    pinned = None if model.fingerprint is None else model.fingerprint.digest
    if model.fingerprint is None or pinned is None:
        return None
    try:
        engine = build_engine(model, files=files, store=store)
        try:
            found = await fingerprint(engine, model.fingerprint.probes)
        finally:
            await engine.aclose()
    except (EngineUnavailable, EngineRefused, UsageError) as error:
        why = f"its probes failed: {str(error).splitlines()[0]}"
        return ModelDrift(model=model.ref, pinned=str(pinned), found=None, why=why)
    if found == pinned:
        return None
    why = f"its answers to the probes differ from when it was pinned ({pinned} → {found})"
    return ModelDrift(model=model.ref, pinned=str(pinned), found=str(found), why=why)
