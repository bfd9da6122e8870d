"""Lint of a whole repository that looks again only at what may have changed.

That nothing was found in a component's files is a fact about all that the rules can have seen: what
the component is made of, what uses it, and the settings. Where a fact is not known, the component is
linted as if it had been asked for; where only the whole shows what is to be said, nothing is
answered here. What waivers speak of is always looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

from tetrad.lint.engine import lint_tree
from tetrad.lint.finding import Finding
from tetrad.lint.scope import tree_of
from tetrad.lint.selection import Selection
from tetrad.lint.tree import CountTokens, LintTree, ReadMerged
from tetrad.loading.checked import Checked
from tetrad.loading.repositories import Reading, read_tree
from tetrad.model import Model, Repository, Settings
from tetrad.model.references import reference_of

_WITH_USERS = frozenset({"prompt", "stack", "suite"})  # whose findings depend on what uses them
_SETTINGS = ("pyproject.toml", "tetrad.toml")
_PART = 4  # of more than one component in so many, looking at all of them is as quick


@dataclass
class Known:
    """What is known of a repository from earlier runs."""

    checked: Checked
    asked: tuple[str, ...]  # the selection, as it was asked for
    selection: Callable[[Settings], Selection]
    today: date
    count: CountTokens
    merged: ReadMerged
    _counted: set[str] = field(default_factory=set)  # files of models whose tokens were counted

    def lint(self) -> tuple[LintTree, tuple[Finding, ...]]:
        """The tree and its findings, the same whatever is known."""
        there = list(self.checked.content.tree.components())
        self.checked.forget(there)
        return self._some(there) or self._all(there)

    def _some(self, there: Sequence[str]) -> tuple[LintTree, tuple[Finding, ...]] | None:
        """By way of what is known; None where the whole has to be looked at."""
        checked = self.checked
        if checked.is_empty:
            return None
        always = [file for file in there if "/" not in file or file.startswith("infra/")]
        fresh = [f for f in there if not checked.holds("loads", f, checked.digest(f))]
        if len(fresh) * _PART > len(there):
            return None
        reading = read_tree(checked.content.tree, [*fresh, *always])
        if reading.issues or not reading.seen.keys() <= set(there):
            return None
        checked.learn(reading.seen)
        waived = set(self._waived(reading.repository))
        facts = dict(self._facts(there))
        unknown = [f for f in there if f in waived or "/" not in f or not checked.holds(*facts[f])]
        users = self._users(unknown)
        start = dict.fromkeys([*unknown, *(u for f in unknown for u in users.get(f, ())), *always])
        reading = read_tree(checked.content.tree, list(start))
        if reading.issues or len(unknown) * _PART > len(there):
            return None
        checked.learn(reading.seen)
        tree, findings = self._linted(reading, unknown)
        if any("/" not in finding.place.file for finding in findings):
            return None  # what is wrong with a waiver, only the whole repository shows
        self._note(reading, findings, [f for f in unknown if f not in waived])
        names = {part for file in there for part in checked.components[file].parts}
        return replace(tree, clean=len(names) - len(tree.names)), findings

    def _all(self, there: Sequence[str]) -> tuple[LintTree, tuple[Finding, ...]]:
        reading = read_tree(self.checked.content.tree)
        tree, findings = self._linted(reading, None)
        if not reading.issues and reading.seen.keys() == set(there):
            self.checked.learn(reading.seen)
            waived = set(self._waived(reading.repository))
            self._note(reading, findings, [file for file in there if file not in waived])
        return tree, findings

    def _linted(
        self, reading: Reading, components: Sequence[str] | None
    ) -> tuple[LintTree, tuple[Finding, ...]]:
        parts = self.checked.components
        asked = None if components is None else [p for f in components for p in parts[f].parts]
        tree = tree_of(reading, asked=asked, today=self.today, count=self._count)
        tree = replace(tree, merged=self.merged)
        return tree, lint_tree(tree, self.selection(reading.repository.settings))

    def _count(self, model: Model, text: str) -> tuple[int, bool]:
        """Which tokenizers are there is no content of the repository, so nothing is noted by them."""
        self._counted.add(model.location.file)
        return self.count(model, text)

    def _note(
        self, reading: Reading, findings: Sequence[Finding], components: Iterable[str]
    ) -> None:
        checked = self.checked
        for file in reading.seen:
            checked.note("loads", file, checked.digest(file))
        found = {finding.place.file for finding in findings}
        for file, fact in self._facts(components):
            seen = checked.components[file]
            counted = seen.kind == "stack" and self._counted & checked.closure(file)
            if "/" in file and not counted and found.isdisjoint(seen.parts):
                checked.note(*fact)

    def _facts(self, components: Iterable[str]) -> Iterator[tuple[str, tuple[str, ...]]]:
        """What is said of each component in whose files nothing was found."""
        checked = self.checked
        files = list(components)
        settings = [checked.content.of(name).hex() for name in _SETTINGS]
        users = self._users(files)
        for file in files:
            lock = f"{reference_of(file)}.lock"
            around = [checked.digest(user) for user in users.get(file, ())]
            own = [file, checked.digest(file), checked.content.of(lock).hex()]
            yield file, ("clean", *self.asked, *settings, *own, *around)

    def _users(self, components: Iterable[str]) -> dict[str, list[str]]:
        """Those that use each component, where its findings may depend on them."""
        checked = self.checked
        kinds = _WITH_USERS | ({"model"} if self._serves() else set())
        known = [f for f in components if f in checked.components]
        users = checked.users(known)
        # Of the others one shows that they are used.
        return {f: users[f] if checked.components[f].kind in kinds else users[f][:1] for f in known}

    def _serves(self) -> bool:
        """Whether an environment may be a cluster, which asks more of models that stacks use."""
        folder = "infra/environments"
        tree = self.checked.content.tree
        return any(b"kubernetes" in tree.bytes(file) for file in tree.below(folder))

    def _waived(self, repository: Repository) -> Iterator[str]:
        """The components of which waivers speak: whether those are needed is seen each time."""
        written = [waiver.file for waiver in repository.waivers if waiver.file is not None]
        files = {name for file in written for name in (file, file.partition("#")[0])}
        cases = {w.case.partition("#")[0] for w in repository.waivers if w.case is not None}
        for file, seen in self.checked.components.items():
            if reference_of(file) in cases or not files.isdisjoint(seen.parts):
                yield file
