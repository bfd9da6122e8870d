"""Which stacks, suites and cases of the base are which of the head, whatever became of their names. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from tetrad.canonical import canonical_json
from tetrad.model import Case, Repository, Suite
from tetrad.plan.renames import renamed_stacks

_Key: TypeAlias = Callable[[Case], Hashable | None]


@dataclass(frozen=True, kw_only=True, slots=True)
class Partner:
    """A case with the suite that holds it."""

    suite: str
    case: Case


@dataclass(frozen=True, kw_only=True, slots=True)
class Partners:
    """The head's case for a case of the base, by suite and id, and the other way round.

    `stacks` are the base's references of the head's stacks that are renamed, or take the place of one
    that they are not like: `replaced`.
    """

    of_base: Mapping[str, Mapping[str, Partner]]
    of_head: Mapping[str, Mapping[str, Partner]]
    stacks: Mapping[str, str] = field(default_factory=dict)
    replaced: frozenset[str] = frozenset()

    def was(self, stack: str) -> str:
        """What the base calls a stack of the head, where it has it."""
        return self.stacks.get(stack, stack)

    def heads(self, ref: str) -> tuple[str, ...]:
        """The head's suites that hold cases of a suite of the base."""
        return tuple(dict.fromkeys(p.suite for p in self.of_base.get(ref, {}).values()))

    def bases(self, ref: str) -> tuple[str, ...]:
        """The base's suites whose cases a suite of the head holds."""
        return tuple(dict.fromkeys(p.suite for p in self.of_head.get(ref, {}).values()))

    def now(self, ref: str) -> Mapping[str, Case]:
        """The head's cases, by the id that they have in a suite of the base."""
        return {id_: partner.case for id_, partner in self.of_base.get(ref, {}).items()}

    def then(self, ref: str) -> Mapping[str, Case]:
        """The base's cases, by the id that they have in a suite of the head."""
        return {id_: partner.case for id_, partner in self.of_head.get(ref, {}).items()}


def partners_of(head: Repository, base: Repository) -> Partners:
    """Suites pair by reference, else by equal cases; their cases by id, else by equal values; stacks by
    reference, else as `renamed_stacks` says.
    """
    found = _Found()
    for ref, old in base.suites.items():
        if ref in head.suites:
            found.match(old, head.suites[ref], _by_id, _by_values, _by_any_id)
    left = [suite for suite in head.suites.values() if found.left_of_head(suite)]
    for old in base.suites.values() if left else ():
        for suite in left if found.left_of_base(old) else ():
            found.match(old, suite, _equal)
        for suite in left:
            # A suite that holds equal cases was split off or renamed: the others were edited.
            if suite.ref not in base.suites and suite.ref in found.heads(old.ref):
                found.match(old, suite, _by_id, _by_values, _by_any_id)
    held = {
        ref: [partner.suite for partner in pairs.values()] for ref, pairs in found.of_base.items()
    }
    stacks, replaced = renamed_stacks(head, base, held)
    return Partners(of_base=found.of_base, of_head=found.of_head, stacks=stacks, replaced=replaced)


class _Found:
    """The pairs so far; no case is in two."""

    def __init__(self) -> None:
        self.of_base: defaultdict[str, dict[str, Partner]] = defaultdict(dict)
        self.of_head: defaultdict[str, dict[str, Partner]] = defaultdict(dict)

    def match(self, old: Suite, new: Suite, *keys: _Key) -> None:
        """Pair the cases that are left, by the first key, then the next."""
        for key in keys:
            before, after = self.left_of_base(old), self.left_of_head(new)
            for one, other in _pairs(before, after, key) if before and after else ():
                self.of_base[old.ref][one.id] = Partner(suite=new.ref, case=other)
                self.of_head[new.ref][other.id] = Partner(suite=old.ref, case=one)

    def heads(self, ref: str) -> set[str]:
        return {partner.suite for partner in self.of_base[ref].values()}

    def left_of_head(self, suite: Suite) -> Sequence[Case]:
        return [case for case in suite.golden.cases if case.id not in self.of_head[suite.ref]]

    def left_of_base(self, suite: Suite) -> Sequence[Case]:
        return [case for case in suite.golden.cases if case.id not in self.of_base[suite.ref]]


def _pairs(before: Iterable[Case], after: Iterable[Case], key: _Key) -> Iterator[tuple[Case, Case]]:
    waiting: defaultdict[Hashable, list[Case]] = defaultdict(list)
    for case in after:
        if (found := key(case)) is not None:
            waiting[found].append(case)
    for case in before:
        found = key(case)
        if found is not None and waiting[found]:
            yield case, waiting[found].pop(0)


def _by_id(case: Case) -> str | None:
    """An id that somebody wrote."""
    return None if case.derived else case.id


def _by_values(case: Case) -> Hashable | None:
    """The values of the variables, whatever those are called, and the turns before them."""
    values = tuple(sorted(map(canonical_json, case.vars.values())))
    return (values, case.turns) if values or case.turns else None


def _by_any_id(case: Case) -> str:
    return case.id


def _equal(case: Case) -> Hashable | None:
    """What is asked, under the id that somebody wrote for it."""
    values = _by_values(case)
    return None if values is None else (_by_id(case), values)
