"""What of two trees has to be loaded to compare them: what differs, and what is judged with it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from tetrad.canonical import Digest
from tetrad.identity import identity_of
from tetrad.loading.checked import Checked, Content
from tetrad.loading.files import Tree
from tetrad.loading.repositories import Reading, read_tree
from tetrad.model.references import reference_of
from tetrad.plan import StackPlan, unmoved_plan

_PART = 4  # of more than one component in so many, looking at all of them is as quick


@dataclass
class Moved:
    """The head by what earlier runs found out, and the base's files.

    A component that is made of the same content on both sides is the same on both, and loads on
    both where it was found to load.
    """

    base: Tree
    checked: Checked
    _stacks: set[str] = field(default_factory=set)  # files of those that are compared
    _there: Sequence[str] = ()

    def files(self) -> Sequence[str] | None:
        """Where loading begins on both sides; None where that is everywhere."""
        checked = self.checked
        self._there = there = checked.content.tree.components()
        checked.forget(there)
        if checked.is_empty:
            return None
        old = self.base.components()
        known, differing = set(old), self._differing(there)
        start = [f for f in there if f not in known or not self._same(f, differing)]
        if len(start) * _PART > len(there):
            return None
        start += known.difference(there)
        start += [f for f in known.union(there) if "/" not in f or f.startswith("infra/")]
        begun: set[str] = set()
        while not begun.issuperset(start):
            begun.update(start)
            start = list(self._reached(sorted(begun)))
        return sorted(begun)

    def _differing(self, files: Iterable[str]) -> set[str]:
        """What components depend on that is not the same on both sides."""
        content = self.checked.content
        before = Content(self.base, beside=content)
        names = {name for file in files for name in self.checked.closure(file)}
        return {name for name in names if content.of(name) != before.of(name)}

    def _same(self, file: str, differing: AbstractSet[str]) -> bool:
        """Whether a component is known to load, of the same content on both sides."""
        checked = self.checked
        return (
            checked.closure(file).isdisjoint(differing)
            and checked.holds("loads", file, checked.digest(file))
            and (checked.components[file].kind != "stack" or self._identity(file) is not None)
        )

    def _reached(self, files: Sequence[str]) -> Iterator[str]:
        """The stacks of either side that files reach, and the suites that judge them."""
        head, base = (read_tree(side, files) for side in (self.checked.content.tree, self.base))
        self.checked.learn(head.seen)
        repositories = (head.repository, base.repository)
        found = {s.location.file for side in repositories for s in side.stacks.values()}
        self._stacks |= found
        known = [file for file in found if file in self.checked.components]
        users = [user for file in known for user in self.checked.users(file)]
        yield from found
        yield from (user for user in users if user.startswith("evals/"))

    def unmoved(self) -> Iterator[StackPlan]:
        """The plans of the stacks that are the same on both sides, as are the suites that judge them."""
        checked = self.checked
        stacks = [
            file
            for file in self._there
            if file not in self._stacks and checked.components[file].kind == "stack"
        ]
        for file in stacks:
            identity = self._identity(file)
            if identity is not None:
                users = checked.users(file)
                judged = any(checked.components[user].kind == "suite" for user in users)
                yield unmoved_plan(reference_of(file), identity, judged=judged)

    def note(self, reading: Reading) -> None:
        """Keep what of the head was found to load, and the identities of its stacks."""
        checked = self.checked
        there = self._there
        if reading.issues or not reading.seen.keys() <= set(there):
            return
        checked.learn(reading.seen)
        for file in reading.seen:
            checked.note("loads", file, checked.digest(file))
        for stack in reading.repository.stacks.values():
            file, identity = stack.location.file, identity_of(stack)
            checked.values[file] = str(identity)
            checked.note("identity", checked.digest(file), str(identity))

    def _identity(self, file: str) -> Digest | None:
        value = self.checked.values.get(file)
        if value is None or not self.checked.holds("identity", self.checked.digest(file), value):
            return None
        return Digest.parse(value)
