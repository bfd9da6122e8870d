"""What differs between two identities, part by part, with the scores of both where they are known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from tetrad.canonical import Digest, Json, digest_of, digest_text
from tetrad.identity import identity_document, identity_of
from tetrad.model import Stack
from tetrad.plan.changes import changed_parts, describe_changes, touched_files
from tetrad.results.gate_report import ComponentChange
from tetrad.snapshots import Snapshot


@dataclass(frozen=True, kw_only=True, slots=True)
class ComparedStack:
    """One of the two: the stack, its snapshot, and the commit that it is of."""

    stack: Stack
    snapshot: Snapshot
    commit: str | None = None  # None: the working tree, or the registry
    is_kept: bool = False  # by the registry


@dataclass(frozen=True, kw_only=True, slots=True)
class PartChange:
    """A part of the identity that differs: its digests, and the files behind it."""

    part: str  # prompt, model, corpus, tools, settings or runtime
    before: Json
    after: Json
    files: tuple[ComponentChange, ...]


class MeanScore(NamedTuple):
    """The mean of a metric, and the digest of the suite that asked for it."""

    mean: float
    suite: str
    preview: bool  # another engine than the stack's own answered


Scores: TypeAlias = Mapping[tuple[str, str], MeanScore]  # by suite and metric


@dataclass(frozen=True, kw_only=True, slots=True)
class ScorePair:
    """A metric of a suite on both sides; None where it is not known."""

    suite: str
    metric: str
    before: MeanScore | None
    after: MeanScore | None

    @property
    def change(self) -> float | None:
        """How far the mean moved; None where it is not known, or not by one and the same suite."""
        if self.before is None or self.after is None or self.before.suite != self.after.suite:
            return None
        return self.after.mean - self.before.mean


@dataclass(frozen=True, kw_only=True, slots=True)
class IdentityDiff:
    before: ComparedStack
    after: ComparedStack
    parts: tuple[PartChange, ...]
    other_files: tuple[str, ...]  # that differ, and move no part
    scores: tuple[ScorePair, ...]


def compare_stacks(
    before: ComparedStack, after: ComparedStack, scores: Mapping[Digest, Scores]
) -> IdentityDiff:
    """The comparison, with the scores that are known of each identity."""
    head, base = after.stack, before.stack
    new, old = _HeldTexts(after.snapshot), _HeldTexts(before.snapshot)
    documents = [_parts(side.stack) for side in (before, after)]
    parts = tuple(
        PartChange(
            part=part,
            before=documents[0][part],
            after=documents[1][part],
            files=describe_changes(head, base, (part,), new, old),
        )
        for part in changed_parts(head, base)
    )
    shown = {change.ref for part in parts for change in part.files}
    touched = touched_files(head, base, new, old)
    return IdentityDiff(
        before=before,
        after=after,
        parts=parts,
        other_files=tuple(path for path in touched if path not in shown),
        scores=_pairs(scores.get(identity_of(base), {}), scores.get(identity_of(head), {})),
    )


def _parts(stack: Stack) -> Mapping[str, Json]:
    """The identity's parts, each as a digest."""
    document = dict(identity_document(stack))
    return {**document, "settings": str(digest_of(document["settings"]))}


def _pairs(before: Scores, after: Scores) -> tuple[ScorePair, ...]:
    return tuple(
        ScorePair(
            suite=suite,
            metric=metric,
            before=before.get((suite, metric)),
            after=after.get((suite, metric)),
        )
        for suite, metric in sorted({*before, *after})
    )


class _HeldTexts:
    """The texts of a snapshot, for what describes changes."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._files = snapshot.files

    def text(self, path: str) -> str | None:
        try:
            return self._files[path].decode()
        except (KeyError, UnicodeDecodeError):
            return None

    def documents(self, stack: Stack) -> Mapping[str, str]:
        if stack.retrieval is None:
            return {}
        folder = f"{stack.retrieval.corpus.documents.path}/"
        return {
            path: str(digest_text(data))
            for path, data in self._files.items()
            if path.startswith(folder)
        }
