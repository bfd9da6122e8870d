"""Indexes of corpora in the vector store: one for all identities that use the corpus."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import tetrad
from digests import short
from snapshots import SnapshotArgs


@dataclass(frozen=True, kw_only=True)
class IndexArgs:
    """An index by its digest, and a snapshot that has the documents of its corpus."""

    digest: str
    corpus: str
    snapshot: SnapshotArgs

    @property
    def short(self) -> str:
        return short(self.digest)


def indexes(
    stacks: Iterable[tuple[tetrad.Stack, tetrad.Snapshot]], taken: Iterable[SnapshotArgs]
) -> tuple[IndexArgs, ...]:
    """Each once; of the snapshots that have its documents, the one that comes first."""
    kept = {one.digest: one for one in taken}
    found: dict[str, IndexArgs] = {}
    for stack, snapshot in stacks:
        if stack.retrieval is None or stack.retrieval.corpus.index.store != "pgvector":
            continue
        corpus = stack.retrieval.corpus
        digest = tetrad.index_digest(corpus)
        held = kept.get(str(snapshot.digest))
        if held is not None:  # else it fits nowhere, which is said
            found.setdefault(digest, IndexArgs(digest=digest, corpus=corpus.ref, snapshot=held))
    return tuple(found[digest] for digest in sorted(found))
