"""Which stack of the base a stack of the head was renamed from, edited on the way or not. Pure."""

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


class _Match(NamedTuple):
    """A new stack of the head and one of the base that is gone; the best match sorts first."""

    unlike: Fraction
    new: str
    old: str


def renamed_stacks(head: Repository, base: Repository, cases: Cases) -> Mapping[str, str]:
    """The base's reference of each stack that the head has under another one.

    A stack is renamed where the new one has its identity, its prompt (the same file, or half of the
    text), or is put half of the cases that judged it; of several, what it is made of decides. A
    model or a tool in common says nothing: many stacks share those.
    """
    gone = [stack for ref, stack in base.stacks.items() if ref not in head.stacks]
    new = [stack for ref, stack in head.stacks.items() if ref not in base.stacks]
    if not gone or not new:
        return {}
    put = _Put(head, base, cases)
    found: dict[str, str] = {}
    # The same ones first: nobody compares the texts of a folder that was moved as a whole.
    for matches in (_same, _similar):
        gone = [stack for stack in gone if stack.ref not in found.values()]
        new = [stack for stack in new if stack.ref not in found]
        for match in sorted(matches(new, gone, put)):
            if match.new not in found and match.old not in found.values():
                found[match.new] = match.old
    return found


def _same(new: Sequence[Stack], gone: Sequence[Stack], put: _Put) -> Iterator[_Match]:
    by_identity: defaultdict[Digest, list[Stack]] = defaultdict(list)
    for stack in new:
        by_identity[identity_of(stack)].append(stack)
    for old in gone:
        for stack in by_identity[identity_of(old)]:
            yield _Match(-put.share(old.ref, stack.ref), stack.ref, old.ref)


def _similar(new: Sequence[Stack], gone: Sequence[Stack], put: _Put) -> Iterator[_Match]:
    texts = {stack.ref: _pieces(stack.prompt) for stack in (*new, *gone)}
    for old in gone:
        for stack in new:
            alike = _alike(texts[stack.ref], texts[old.ref])
            if stack.prompt.ref == old.prompt.ref:
                alike = max(alike, ENOUGH)
            shared = put.share(old.ref, stack.ref)
            if max(shared, alike) >= ENOUGH:
                kept = 1 - Fraction(len(changed_parts(stack, old)), len(PARTS))
                yield _Match(-(shared + alike + kept), stack.ref, old.ref)


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

    def share(self, old: str, new: str) -> Fraction:
        return Fraction(self._shared[old, new], self._total[old] or 1)


def _alike(one: AbstractSet[str], other: AbstractSet[str]) -> Fraction:
    return Fraction(2 * len(one & other), len(one) + len(other))


def _pieces(prompt: Prompt) -> AbstractSet[str]:
    text = "\n".join(message.content for message in prompt.messages)
    return {text[at : at + _PIECE] for at in range(max(1, len(text) - _PIECE + 1))}
