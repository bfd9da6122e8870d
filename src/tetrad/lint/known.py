"""Lint of a whole repository that looks again only at what may have changed.

What was found in a component's files is a fact about all that the rules can have seen: what the
component is made of, what uses it, and the settings. Where a fact is not known, the component is
linted as if it had been asked for; where only the whole shows what is to be said, nothing is
answered here. What waivers speak of is always looked at.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

from tetrad.lint.engine import lint_tree
from tetrad.lint.finding import Finding
from tetrad.lint.kept_findings import dump_findings, load_findings
from tetrad.lint.scope import tree_of
from tetrad.lint.selection import Selection
from tetrad.lint.surroundings import ENVIRONMENTS, Surroundings
from tetrad.lint.tree import CountTokens, LintTree, ReadMerged
from tetrad.loading.checked import Checked
from tetrad.loading.parsed import Parsed
from tetrad.loading.repositories import Reading, read_tree
from tetrad.model import Model, Repository, Settings
from tetrad.model.references import reference_of

_EVERYWHERE = ("pyproject.toml", "tetrad.toml", f"{ENVIRONMENTS}/")
_PART = 4  # of more than one component in so many, looking at all of them is as quick

Found = Mapping[str, tuple[Finding, ...]]  # by component, in any of its files


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
        checked, parsed = self.checked, Parsed()
        always = [file for file in there if "/" not in file or file.startswith("infra/")]
        repository = self._learned(there, always, parsed)
        if repository is None:
            return None
        waived = set(self._waived(repository))
        around = Surroundings(checked)
        known = self._known([f for f in there if "/" in f and f not in waived], around)
        files = {file: {f.place.file for f in found} for file, found in known.items() if found}
        unknown = around.with_sharers([file for file in there if file not in known], files)
        parts = {part for file in unknown for part in checked.components[file].parts}
        reached = around.reached([*unknown, *self._first_stack(there)], parts)
        if len(reached) * _PART > len(there):
            return None
        reading = read_tree(checked.content.tree, [*reached, *always], parsed)
        if reading.issues:
            return None
        tree, findings = self._linted(reading, sorted(parts))
        if any("/" not in finding.place.file for finding in findings):
            return None  # what is wrong with a waiver, only the whole repository shows
        self._note(reading, findings, [f for f in unknown if f not in waived])
        others = (finding for file in known.keys() - unknown for finding in known[file])
        every = sorted(dict.fromkeys([*findings, *others]), key=lambda finding: finding.order)
        names = {part for file in there for part in checked.components[file].parts}
        return replace(tree, clean=len(names) - len(tree.names)), tuple(every)

    def _learned(
        self, there: Sequence[str], always: Sequence[str], parsed: Parsed
    ) -> Repository | None:
        """What changed, once it is known what it depends on; None where that is much, or broken."""
        checked = self.checked
        if checked.is_empty:
            return None
        fresh = [f for f in there if not checked.holds("loads", f, checked.digest(f))]
        if len(fresh) * _PART > len(there):
            return None
        reading = read_tree(checked.content.tree, [*fresh, *always], parsed)
        if reading.issues or not reading.seen.keys() <= set(there):
            return None
        checked.learn(reading.seen)
        return reading.repository

    def _all(self, there: Sequence[str]) -> tuple[LintTree, tuple[Finding, ...]]:
        reading = read_tree(self.checked.content.tree)
        tree, findings = self._linted(reading, None)
        if not reading.issues and reading.seen.keys() == set(there):
            self.checked.learn(reading.seen)
            waived = set(self._waived(reading.repository))
            self._note(reading, findings, [file for file in there if file not in waived])
        return tree, findings

    def _linted(
        self, reading: Reading, asked: Sequence[str] | None
    ) -> tuple[LintTree, tuple[Finding, ...]]:
        tree = tree_of(reading, asked=asked, today=self.today, count=self._count)
        tree = replace(tree, merged=self.merged)
        return tree, lint_tree(tree, self.selection(reading.repository.settings))

    def _count(self, model: Model, text: str) -> tuple[int, bool]:
        """Which tokenizers are there is no content of the repository, so nothing is noted by them."""
        self._counted.add(model.location.file)
        return self.count(model, text)

    def _known(self, components: Iterable[str], around: Surroundings) -> Found:
        """What earlier runs found in the files of components, where it still holds."""
        values = self.checked.values
        found = {f: load_findings(values[f]) if f in values else () for f in components}
        facts = self._facts(found, around)
        return {file: found[file] for file, fact in facts if self.checked.holds(*fact)}

    def _note(
        self, reading: Reading, findings: Sequence[Finding], components: Iterable[str]
    ) -> None:
        checked = self.checked
        for file in reading.seen:
            checked.note("loads", file, checked.digest(file))
        by_file: defaultdict[str, list[Finding]] = defaultdict(list)
        for finding in findings:
            by_file[finding.place.file].append(finding)
        found = {
            file: tuple(f for part in checked.components[file].parts for f in by_file.get(part, ()))
            for file in components
            if "/" in file and not self._is_counted(file)
        }
        for file, those in found.items():
            checked.values.pop(file, None)
            if those:
                checked.values[file] = dump_findings(those)
        for _, fact in self._facts(found, Surroundings(checked)):
            checked.note(*fact)

    def _is_counted(self, file: str) -> bool:
        checked = self.checked
        is_stack = checked.components[file].kind == "stack"
        return is_stack and not self._counted.isdisjoint(checked.closure(file))

    def _facts(self, found: Found, around: Surroundings) -> Iterator[tuple[str, tuple[str, ...]]]:
        """What is said of each component: what was found, and all that it was found from."""
        checked = self.checked
        everywhere = [checked.content.of(name).hex() for name in _EVERYWHERE]
        everywhere.append("stacks" if self._first_stack(checked.components) else "no stacks")
        for file, those in found.items():
            kind = checked.components[file].kind
            own = [file, checked.digest(file), checked.values.get(file, "")]
            if kind == "model":
                own.append(self.today.isoformat())  # some models are shut down
            if kind == "stack":
                own.append(checked.content.of(f"{reference_of(file)}.lock").hex())
            others = {finding.place.file for finding in those} - {file}
            shared = [around.owners(part) for part in sorted(others)]
            yield file, ("found", *self.asked, *everywhere, *own, *shared, *around.digests(file))

    def _first_stack(self, components: Iterable[str]) -> list[str]:
        """A stack, where there is any: without one, nothing is said of components in no use."""
        known = self.checked.components
        return [file for file in components if file in known and known[file].kind == "stack"][:1]

    def _waived(self, repository: Repository) -> Iterator[str]:
        """The components of which waivers speak: whether those are needed is seen each time."""
        written = [waiver.file for waiver in repository.waivers if waiver.file is not None]
        files = {name for file in written for name in (file, file.partition("#")[0])}
        cases = {w.case.partition("#")[0] for w in repository.waivers if w.case is not None}
        for file, seen in self.checked.components.items():
            if reference_of(file) in cases or not files.isdisjoint(seen.parts):
                yield file
