"""Which stacks and suites come and go, and which suites judge other stacks than before. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from tetrad.model import Repository, Suite
from tetrad.results.report import RosterChange

_ORDER = ("removed", "judges_less", "judges_more", "added")


def roster_changes(head: Repository, base: Repository | None) -> tuple[RosterChange, ...]:
    """What is lost comes first: a requirement that is gone refuses nothing."""
    if base is None:
        return ()
    found = (*_suites(head, base), *_stacks(head, base))
    return tuple(sorted(found, key=lambda change: _ORDER.index(change.change)))


def _suites(head: Repository, base: Repository) -> Iterator[RosterChange]:
    for ref in dict.fromkeys([*base.suites, *head.suites]):
        old, new = base.suites.get(ref), head.suites.get(ref)
        if old is None or new is None:
            yield from _one_sided(old, new)
            continue
        before, after = _judged(old), _judged(new)
        # A stack that comes or goes brings or takes its suites along, and says so itself.
        if less := tuple(stack for stack in before if stack not in after and stack in head.stacks):
            yield RosterChange(change="judges_less", kind="suite", ref=ref, others=less)
        if more := tuple(stack for stack in after if stack not in before and stack in base.stacks):
            yield RosterChange(change="judges_more", kind="suite", ref=ref, others=more)


def _one_sided(old: Suite | None, new: Suite | None) -> Iterator[RosterChange]:
    if suite := old or new:
        yield RosterChange(
            change="removed" if new is None else "added",
            kind="suite",
            ref=suite.ref,
            others=_judged(suite),
            cases=len(suite.golden.cases),
        )


def _stacks(head: Repository, base: Repository) -> Iterator[RosterChange]:
    for ref in _lacking(base.stacks, head.stacks):
        others = _judging(ref, base)
        yield RosterChange(change="removed", kind="stack", ref=ref, others=others)
    for ref in _lacking(head.stacks, base.stacks):
        others = _judging(ref, head)
        yield RosterChange(change="added", kind="stack", ref=ref, others=others)


def _lacking(refs: Iterable[str], there: Collection[str]) -> Iterator[str]:
    return (ref for ref in refs if ref not in there)


def _judged(suite: Suite) -> tuple[str, ...]:
    return tuple(stack.ref for stack in suite.stacks)


def _judging(stack: str, repository: Repository) -> tuple[str, ...]:
    return tuple(suite.ref for suite in repository.suites_by_stack.get(stack, ()))
