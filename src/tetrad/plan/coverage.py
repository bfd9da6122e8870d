"""Which stacks and suites come and go, and which suites judge other stacks than before. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import Literal

from tetrad.model import Repository, Suite
from tetrad.plan.partners import Partners
from tetrad.results.gate_report import CoverageChange

_ORDER = ("removed", "judges_less", "judges_more", "moved", "replaced", "renamed", "added")


def coverage_changes(
    head: Repository, base: Repository | None, partners: Partners | None
) -> tuple[CoverageChange, ...]:
    """What is lost comes first."""
    if base is None or partners is None:
        return ()
    found = (*_suites(head, base, partners), *_stacks(head, base, partners))
    return tuple(sorted(found, key=lambda change: _ORDER.index(change.change)))


def _suites(head: Repository, base: Repository, partners: Partners) -> Iterator[CoverageChange]:
    now = {old: new for new, old in partners.stacks.items()}
    for ref in dict.fromkeys([*base.suites, *head.suites]):
        old, new = base.suites.get(ref), head.suites.get(ref)
        if old is not None and new is None:
            yield _without(old, partners)
            continue
        if old is None or new is None:
            yield from _new(new, partners)
            continue
        before, after = tuple(now.get(r, r) for r in _judged(old)), _judged(new)
        # A stack that comes or goes brings or takes its suites along, and says so itself.
        if less := tuple(stack for stack in before if stack not in after and stack in head.stacks):
            yield CoverageChange(change="judges_less", kind="suite", ref=ref, others=less)
        known = base.stacks.keys() | partners.stacks.keys()
        if more := tuple(stack for stack in after if stack not in before and stack in known):
            yield CoverageChange(change="judges_more", kind="suite", ref=ref, others=more)


def _without(old: Suite, partners: Partners) -> CoverageChange:
    """A suite that the head has under another name, in parts, or not at all."""
    heads = partners.heads(old.ref)
    return CoverageChange(
        change="moved" if heads else "removed",
        kind="suite",
        ref=old.ref,
        others=heads or _judged(old),
        cases=len(partners.of_base.get(old.ref, ())) if heads else len(old.golden.cases),
    )


def _new(new: Suite | None, partners: Partners) -> Iterator[CoverageChange]:
    if new is not None and not partners.bases(new.ref):
        cases = len(new.golden.cases)
        others = _judged(new)
        yield CoverageChange(change="added", kind="suite", ref=new.ref, others=others, cases=cases)


def _stacks(head: Repository, base: Repository, partners: Partners) -> Iterator[CoverageChange]:
    renamed = partners.stacks
    for ref, old in renamed.items():
        change: Literal["replaced", "renamed"] = (
            "replaced" if ref in partners.replaced else "renamed"
        )
        yield CoverageChange(change=change, kind="stack", ref=old, others=(ref,))
    for ref in _lacking(base.stacks, {*head.stacks, *renamed.values()}):
        others = _judging(ref, base)
        yield CoverageChange(change="removed", kind="stack", ref=ref, others=others)
    for ref in _lacking(head.stacks, {*base.stacks, *renamed}):
        others = _judging(ref, head)
        yield CoverageChange(change="added", kind="stack", ref=ref, others=others)


def _lacking(refs: Iterable[str], there: Collection[str]) -> Iterator[str]:
    return (ref for ref in refs if ref not in there)


def _judged(suite: Suite) -> tuple[str, ...]:
    return tuple(stack.ref for stack in suite.stacks)


def _judging(stack: str, repository: Repository) -> tuple[str, ...]:
    return tuple(suite.ref for suite in repository.suites_by_stack.get(stack, ()))
