"""What differs between two identities, part by part, with the scores of both where they are known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tetrad.canonical import Digest, Json, digest_of, digest_text
from tetrad.identity import identity_document, identity_of
from tetrad.model import Stack
from tetrad.plan.changes import changed_parts, describe_changes, touched_files
from tetrad.report.means import means
from tetrad.results.gate_report import ComponentChange, Report
from tetrad.snapshots import Snapshot


@dataclass(frozen=True, kw_only=True, slots=True)
class ComparedStack:
    """One of the two: the stack, its snapshot, and the commit that it is of."""

    stack: Stack
    snapshot: Snapshot
    commit: str | None = None  # None: the working tree


@dataclass(frozen=True, kw_only=True, slots=True)
class PartChange:
    """A part of the identity that differs: its digests, and the files behind it."""

    part: str  # prompt, model, corpus, tools, settings or runtime
    before: Json
    after: Json
    files: tuple[ComponentChange, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class ScorePair:
    """The mean of a suite's metric on both sides; None where no report has it."""

    suite: str
    metric: str
    before: float | None
    after: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class IdentityDiff:
    before: ComparedStack
    after: ComparedStack
    parts: tuple[PartChange, ...]
    other_files: tuple[str, ...]  # that differ, and move no part
    scores: tuple[ScorePair, ...]


def compare_sides(
    before: ComparedStack, after: ComparedStack, report: Report | None
) -> IdentityDiff:
    """The comparison; `report` is the last one of the gate."""
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
        scores=_scores(identity_of(base), identity_of(head), report),
    )


def _parts(stack: Stack) -> Mapping[str, Json]:
    """The identity's parts, each as a digest."""
    document = dict(identity_document(stack))
    return {**document, "settings": str(digest_of(document["settings"]))}


def _scores(before: Digest, after: Digest, report: Report | None) -> tuple[ScorePair, ...]:
    known = {identity: _means(identity, report) for identity in (before, after)}
    return tuple(
        ScorePair(
            suite=suite,
            metric=metric,
            before=known[before].get((suite, metric)),
            after=known[after].get((suite, metric)),
        )
        for suite, metric in dict.fromkeys([*known[before], *known[after]])
    )


def _means(identity: Digest, report: Report | None) -> Mapping[tuple[str, str], float]:
    """The means of an identity by suite and metric, from whichever side of a report has it."""
    found: dict[tuple[str, str], float] = {}
    for stack in report.stacks if report else ():
        for suite in stack.suites:
            for mean in means(suite):
                value = _value(identity, stack.identity, mean.mean)
                if value is None:
                    value = _value(identity, stack.base_identity, mean.base)
                if value is not None:
                    found[suite.suite, mean.metric] = value
    return found


def _value(wanted: Digest, identity: Digest | None, value: float | None) -> float | None:
    return value if identity == wanted else None


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
