"""What the findings in a component's files depend on besides what the component is made of.

A prompt is judged by the stacks that use it, a stack by its suites, a golden set by all suites that
share it. Of a model, a corpus or a tool it only matters whether anything uses it, unless a
cluster may serve it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from functools import cached_property

from tetrad.canonical import sha256_of
from tetrad.loading.checked import Checked
from tetrad.model.references import ENDINGS

ENVIRONMENTS = "infra/environments"


@dataclass
class Surroundings:
    """The users of components, as far as findings depend on them."""

    checked: Checked
    _digests: dict[str, str] = field(default_factory=dict)  # of those that look at a file
    _owners_digests: dict[str, str] = field(default_factory=dict)

    def users(self, file: str) -> Iterator[str]:
        """Those with which a component has to be looked at; one of them shows that it is used."""
        names = self._names(file)
        if not names:
            yield from self.checked.users(file)[:1]
        for name in names:
            yield from self.checked.looking_at(name)

    def digests(self, file: str) -> Iterator[str]:
        """Stand for what of a component's users its findings depend on."""
        names = self._names(file)
        if not names:
            yield "used" if self.checked.users(file) else "unused"
        for name in names:
            yield self._digest(name)

    def reached(self, components: Iterable[str], files: AbstractSet[str]) -> list[str]:
        """What to read to lint files: whatever has a part in one of them, with its users."""
        known = self.checked.components
        found: dict[str, None] = {}
        left = list(components)
        while left:
            fresh = [f for f in self.checked.closure(left.pop()) if f in known and f not in found]
            found |= dict.fromkeys(fresh)
            judged = [file for file in fresh if not files.isdisjoint(known[file].parts)]
            left += [user for file in judged for user in self.users(file) if user not in found]
        return list(found)

    def with_sharers(
        self, components: Iterable[str], found: Mapping[str, AbstractSet[str]]
    ) -> list[str]:
        """With the components that share a file in which comments suppress, or one in which they
        have findings: of whom those are, a finding does not say. `found` are the files with findings
        by component.
        """
        reached = dict.fromkeys(components)
        left, parts = list(reached), set[str]()
        while left:
            for part in set(self.checked.components[left.pop()].parts) - parts:
                parts.add(part)
                others = [file for file in self._owners[part] if file not in reached]
                if not part.endswith(ENDINGS):
                    others = [file for file in others if part in found.get(file, ())]
                reached |= dict.fromkeys(others)
                left += others
        return list(reached)

    def held(self, components: Iterable[str], read: AbstractSet[str]) -> AbstractSet[str]:
        """The components of which everything was read that their findings depend on; those that share
        a file, of whom its findings do not say whose they are, all or none.
        """
        known = self.checked.components
        held = {f for f in components if read >= {*self.reached([f], {*known[f].parts})}}
        left = [part for file in held for part in known[file].parts]
        while left:
            owners = self._owners[left.pop()]
            if not held.issuperset(owners):
                out = held.intersection(owners)
                held -= out
                left += [part for file in out for part in known[file].parts]
        return held

    def owners(self, part: str) -> str:
        """Stands for the names of the components that have a part in a file."""
        known = self._owners_digests.get(part)
        if known is None:
            names = "\0".join(sorted(self._owners[part]))
            known = self._owners_digests[part] = _digest(names)
        return known

    @cached_property
    def _owners(self) -> Mapping[str, Sequence[str]]:
        """The components that have a part in a file."""
        owners: defaultdict[str, list[str]] = defaultdict(list)
        for file, seen in self.checked.components.items():
            for part in seen.parts:
                owners[part].append(file)
        return owners

    def _names(self, file: str) -> Sequence[str]:
        """The files of which it matters who looks at them."""
        seen = self.checked.components[file]
        if seen.kind == "prompt":
            return self._extended_by(file)
        if seen.kind == "suite":
            return seen.parts
        return [file] if seen.kind == "stack" or (seen.kind == "model" and self._serves) else ()

    def _extended_by(self, file: str) -> list[str]:
        """A prompt and those that extend it: the stacks that use those fill its variables, too."""
        found = [file]
        for name in found:
            users = self.checked.looking_at(name)
            found += [
                user
                for user in users
                if self.checked.components[user].kind == "prompt" and user not in found
            ]
        return found

    def _digest(self, name: str) -> str:
        known = self._digests.get(name)
        if known is None:
            users = (self.checked.digest(user) for user in self.checked.looking_at(name))
            known = self._digests[name] = _digest("".join(users))
        return known

    @cached_property
    def _serves(self) -> bool:
        """Whether an environment may be a cluster, which asks more of models that stacks use."""
        tree = self.checked.content.tree
        return any(b"kubernetes" in tree.bytes(file) for file in tree.below(ENVIRONMENTS))


def _digest(text: str) -> str:
    return sha256_of(text.encode(errors="surrogateescape")).hex()
