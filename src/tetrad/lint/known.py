"""Lint of a whole repository that looks again only at what may have changed.

What was found in a component's files is a fact about all that the rules can have seen: what the
component is made of, what uses it, and the settings. Where a fact is not known, the component is
linted as if it had been asked for; where only the whole shows what is to be said, nothing is
answered here. What waivers speak of is always looked at.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

from tetrad.lint.engine import lint_tree
from tetrad.lint.finding import Finding
from tetrad.lint.kept_findings import dump_findings, load_findings
from tetrad.lint.looked import Looked, Processes
from tetrad.lint.scope import tree_of
from tetrad.lint.selection import Selection
from tetrad.lint.shares import shares_of
from tetrad.lint.surroundings import ENVIRONMENTS, Surroundings
from tetrad.lint.tree import CountTokens, LintTree, ReadMerged
from tetrad.loading.checked import Checked, Seen
from tetrad.loading.parsed import Parsed
from tetrad.loading.repositories import Reading, read_tree
from tetrad.model import Model, Repository, Settings
from tetrad.model.references import reference_of

_EVERYWHERE = ("pyproject.toml", "tetrad.toml", f"{ENVIRONMENTS}/")
_PART = 4  # of more than one component in so many, looking at all of them is as quick
_SHARE = 1000  # components for which a process is worth its start

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
    processes: Processes | None = None
    _counted: set[str] = field(default_factory=set)  # files of models whose tokens were counted
    _parsed: Parsed = field(default_factory=Parsed)

    def lint(self) -> tuple[LintTree, tuple[Finding, ...]]:
        """The tree and its findings, the same whatever is known, and however many look."""
        there = list(self.checked.content.tree.components())
        self.checked.forget(there)
        fresh = [] if self.checked.is_empty else self._fresh(there)
        if self.checked.is_empty or len(fresh) * _PART > len(there):
            return self._shared(there) or self._all(there)
        return self._some(there, fresh, {}) or self._all(there)

    def _fresh(self, there: Sequence[str]) -> list[str]:
        """The components that were not loaded as they are now."""
        return [f for f in there if not self.checked.holds("loads", f, self.checked.digest(f))]

    def _some(
        self, there: Sequence[str], fresh: Sequence[str], looked: Found
    ) -> tuple[LintTree, tuple[Finding, ...]] | None:
        """By way of what is known, or was just looked at; None where the whole has to be."""
        checked = self.checked
        always = [file for file in there if _is_always(file)]
        repository = self._learned(there, [*fresh, *always])
        if repository is None:
            return None
        waived = set(self._waived(repository))
        around = Surroundings(checked)
        known = {file: found for file, found in looked.items() if file not in waived}
        asked = [f for f in there if "/" in f and f not in waived and f not in known]
        known |= self._known(asked, around)
        files = {file: {f.place.file for f in found} for file, found in known.items() if found}
        unknown = around.with_sharers([file for file in there if file not in known], files)
        parts = {part for file in unknown for part in checked.components[file].parts}
        reached = around.reached([*unknown, *self._first_stack(there)], parts)
        if len(reached) * _PART > len(there):
            return None
        reading = read_tree(checked.content.tree, [*reached, *always], self._parsed)
        if reading.issues:
            return None
        tree, findings = self._linted(reading, sorted(parts))
        if any("/" not in finding.place.file for finding in findings):
            return None  # what is wrong with a waiver, only the whole repository shows
        self._note(reading, findings, [f for f in unknown if f not in waived])
        again = set(unknown)
        others = (f for file, found in known.items() if file not in again for f in found)
        every = sorted(dict.fromkeys([*findings, *others]), key=lambda finding: finding.order)
        names = {part for file in there for part in checked.components[file].parts}
        return replace(tree, clean=len(names) - len(tree.names)), tuple(every)

    def _learned(self, there: Sequence[str], files: Sequence[str]) -> Repository | None:
        """What files say, once it is known what they depend on; None where one is broken."""
        reading = read_tree(self.checked.content.tree, files, self._parsed)
        if reading.issues or not reading.seen.keys() <= set(there):
            return None
        self.checked.learn(reading.seen)
        return reading.repository

    def _shared(self, there: Sequence[str]) -> tuple[LintTree, tuple[Finding, ...]] | None:
        """By way of several processes, each with a share; None where one is as good."""
        number = 0 if self.processes is None else min(self.processes.most, len(there) // _SHARE)
        if self.processes is None or number < 2:
            return None
        with self.processes.started(number - 1) as others:
            given = [file for file in there if not _is_always(file)]
            shares = shares_of(self.checked.content.tree, given, 1 + len(others))
            for other, share in zip(others, shares[1:], strict=False):
                other.begin(share)
            own = self._look(shares[0]) if len(shares) > 1 else None
            if own is None:
                return None
            looked = [own[0], *(Looked.loaded(other.end()) for other in others[: len(shares) - 1])]
        seen = [one for one in looked if one is not None]
        if len(seen) < len(shares) or not self._agree(there, seen):
            return None
        return self._some(there, [], self._held(shares, seen, own[1]))

    def look(self, share: Sequence[str]) -> Looked | None:
        """What is found in the files of a share of the components; None where not all of it loads."""
        looked = self._look(share)
        return None if looked is None else looked[0]

    def _look(self, share: Sequence[str]) -> tuple[Looked, Found] | None:
        checked = self.checked
        always = [file for file in checked.content.tree.components() if _is_always(file)]
        reading = read_tree(checked.content.tree, [*share, *always], self._parsed)
        if reading.issues or not reading.seen.keys() >= set(share):
            return None
        checked.learn(reading.seen)
        parts = {part for file in share for part in reading.seen[file].parts}
        _, findings = self._linted(reading, sorted(parts))
        found = {file: those for file, those in self._by_component(findings, share) if those}
        values = {file: dump_findings(those) for file, those in found.items()}
        counted = {file for file in share if self._is_counted(file)}
        for name in set[str]().union(*map(checked.closure, reading.seen)):
            checked.content.of(name)  # whose digests stand for all that was seen
        return Looked(checked.content.seen, reading.seen, values, counted), found

    def _agree(self, there: Sequence[str], looked: Sequence[Looked]) -> bool:
        """Whether the processes saw the same tree, of which all is known from now on."""
        seen: dict[str, Seen] = {}
        for one in looked:
            if not self.checked.content.adopt(one.states):
                return False
            seen |= one.seen
        self.checked.learn(seen)
        for file in there:
            self.checked.note("loads", file, self.checked.digest(file))
        return seen.keys() == set(there)

    def _held(self, shares: Sequence[Sequence[str]], looked: Sequence[Looked], own: Found) -> Found:
        """What was found in components whose share held all that this depends on; `own` is what this
        process found in the first.
        """
        checked, around = self.checked, Surroundings(self.checked)
        held = dict[str, tuple[Finding, ...]]()
        stacks = self._first_stack(checked.components)
        for share, one in zip(shares, looked, strict=True):
            if stacks and not any(seen.kind == "stack" for seen in one.seen.values()):
                continue  # it was taken for a repository without stacks
            whole = around.held(share, one.seen.keys())
            theirs = [file for file in share if file in whole]
            values = {file: one.values[file] for file in theirs if file in one.values}
            for file in theirs:
                checked.values.pop(file, None)
            checked.values |= values
            found = own if one is looked[0] else load_findings(values)
            held |= {file: found.get(file, ()) for file in theirs}
        counted = set[str]().union(*(one.counted for one in looked))
        noted = {file: found for file, found in held.items() if file not in counted}
        for _, fact in self._facts(noted, around):
            checked.note(*fact)
        return held

    def _all(self, there: Sequence[str]) -> tuple[LintTree, tuple[Finding, ...]]:
        reading = read_tree(self.checked.content.tree, None, self._parsed)
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

    def _known(self, components: Collection[str], around: Surroundings) -> Found:
        """What earlier runs found in the files of components, where it still holds."""
        values = {f: self.checked.values[f] for f in components if f in self.checked.values}
        found = {**dict.fromkeys(components, ()), **load_findings(values)}
        facts = self._facts(found, around)
        return {file: found[file] for file, fact in facts if self.checked.holds(*fact)}

    def _note(
        self, reading: Reading, findings: Sequence[Finding], components: Iterable[str]
    ) -> None:
        checked = self.checked
        for file in reading.seen:
            checked.note("loads", file, checked.digest(file))
        asked = [file for file in components if "/" in file and not self._is_counted(file)]
        found = dict(self._by_component(findings, asked))
        for file, those in found.items():
            checked.values.pop(file, None)
            if those:
                checked.values[file] = dump_findings(those)
        for _, fact in self._facts(found, Surroundings(checked)):
            checked.note(*fact)

    def _by_component(
        self, findings: Sequence[Finding], components: Iterable[str]
    ) -> Iterator[tuple[str, tuple[Finding, ...]]]:
        by_file: defaultdict[str, list[Finding]] = defaultdict(list)
        for finding in findings:
            by_file[finding.place.file].append(finding)
        for file in components:
            parts = self.checked.components[file].parts
            yield file, tuple(f for part in parts for f in by_file.get(part, ()))

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


def _is_always(file: str) -> bool:
    """Whether a component is looked at each time: waivers, environments."""
    return "/" not in file or file.startswith("infra/")
