"""Which stack of the base a new one of the head was renamed from, or takes the place of. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from fractions import Fraction
from typing import NamedTuple

from tetrad.canonical import Digest
from tetrad.identity import identity_of
from tetrad.model import Prompt, Repository, Stack
from tetrad.plan.changes import PARTS, changed_parts

# As Git takes a file for renamed.
ENOUGH = Fraction(1, 2)
_PIECE = 5  # characters; texts are alike by how many of such pieces they share

Cases = Mapping[str, Sequence[str]]  # the head's suites that hold the cases of one of the base


class Renames(NamedTuple):
    """The base's reference of each stack that the head has under another one.

    `replaced` are those of the head that are not alike enough to be called the same.
    """

    stacks: Mapping[str, str]
    replaced: frozenset[str]


class _Match(NamedTuple):
    """A new stack of the head and one of the base that is gone; the best match sorts first."""

    is_other: bool
    unlike: Fraction
    new: str
    old: str


def renamed_stacks(head: Repository, base: Repository, cases: Cases) -> Renames:
    """A stack is renamed where the new one has its identity, its prompt (the same file, or half of the
    text), or is put half of the cases that judged it; of several, what it is made of decides. A
    model or a tool in common says nothing: many stacks share those. A change that renames and edits
    all of these at once would be judged by nothing of the base's: so a new stack that is like none
    takes the place of one that was judged and is gone.
    """
    gone = [stack for ref, stack in base.stacks.items() if ref not in head.stacks]
    new = [stack for ref, stack in head.stacks.items() if ref not in base.stacks]
    if not gone or not new:
        return Renames({}, frozenset())
    put = _Put(head, base, cases)
    found: dict[str, _Match] = {}
    taken: set[str] = set()
    # The same ones first: nobody compares the texts of a folder that was moved as a whole.
    for matches in (_same, _similar):
        gone = [stack for stack in gone if stack.ref not in taken]
        new = [stack for stack in new if stack.ref not in found]
        for match in sorted(matches(new, gone, put)):
            if match.new not in found and match.old not in taken:
                found[match.new] = match
                taken.add(match.old)
    return Renames(
        stacks={ref: match.old for ref, match in found.items()},
        replaced=frozenset(ref for ref, match in found.items() if match.is_other),
    )


def _same(new: Sequence[Stack], gone: Sequence[Stack], put: _Put) -> Iterator[_Match]:
    by_identity: defaultdict[Digest, list[Stack]] = defaultdict(list)
    for stack in new:
        by_identity[identity_of(stack)].append(stack)
    for old in gone:
        for stack in by_identity[identity_of(old)]:
            yield _Match(False, -put.share(old.ref, stack.ref), stack.ref, old.ref)


def _similar(new: Sequence[Stack], gone: Sequence[Stack], put: _Put) -> Iterator[_Match]:
    texts = {stack.ref: _pieces(stack.prompt) for stack in (*new, *gone)}
    for old in gone:
        for stack in new:
            alike = _alike(texts[stack.ref], texts[old.ref])
            if stack.prompt.ref == old.prompt.ref:
                alike = max(alike, ENOUGH)
            shared = put.share(old.ref, stack.ref)
            is_other = max(shared, alike) < ENOUGH
            if put.is_judged(old.ref) or not is_other:
                kept = 1 - Fraction(len(changed_parts(stack, old)), len(PARTS))
                yield _Match(is_other, -(shared + alike + kept), stack.ref, old.ref)


class _Put:
    """How many of the cases that judged a stack on the base are put to one of the head."""

    def __init__(self, head: Repository, base: Repository, cases: Cases) -> None:
        self._total: Counter[str] = Counter()
        self._shared: Counter[tuple[str, str]] = Counter()
        for ref, suite in base.suites.items():
            now = Counter(
                stack.ref for to in cases.get(ref, ()) for stack in head.suites[to].stacks
            )
            for old in suite.stacks:
                self._total[old.ref] += len(suite.golden.cases)
                for stack, count in now.items():
                    self._shared[old.ref, stack] += count

    def is_judged(self, old: str) -> bool:
        return self._total[old] > 0

    def share(self, old: str, new: str) -> Fraction:
        return Fraction(self._shared[old, new], self._total[old] or 1)


def _alike(one: AbstractSet[str], other: AbstractSet[str]) -> Fraction:
    return Fraction(2 * len(one & other), len(one) + len(other))


def _pieces(prompt: Prompt) -> AbstractSet[str]:
    text = "\n".join(message.content for message in prompt.messages)
    return {text[at : at + _PIECE] for at in range(max(1, len(text) - _PIECE + 1))}
