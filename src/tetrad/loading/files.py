"""The files of one repository: which there are, and reading them without leaving it."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from fnmatch import fnmatchcase
from itertools import takewhile

from tetrad.errors import Issue, Location, SpecError
from tetrad.loading.lfs_pointers import pointed_at
from tetrad.model.references import ENDINGS, reference_of
from tetrad.schemas.nearest import did_you_mean
from tetrad.trees import FileTree, Listing, is_of_git

_FOLDERS = ("prompts", "stacks", "infra/environments")
_MAX_DEPTH = 100  # of folders; Python 3.11 lists no thousand of them


class Tree:
    """The files of a tree of our shape: which of them are read, and what is said of the others."""

    def __init__(self, files: FileTree) -> None:
        self.files = files
        self.told: Callable[[str, bytes], object] | None = (
            None  # hears what is read, but through links
        )
        self._components: tuple[str, ...] | None = None
        self._references: dict[str, list[str]] = {}  # by kind
        self.looked_at: dict[str, set[str]] = {}  # names, by the component that was loaded
        self._watching: list[set[str]] = []
        self.linked_folders: list[str] = []  # among the components; their files are not read

    @contextmanager
    def watched(self, component: str) -> Iterator[None]:
        """Write down what loading a component looks at: files, and folders with a slash at the end.

        What it looks at by way of another component is the other's.
        """
        self._watching.append(self.looked_at.setdefault(component, set()))
        try:
            yield
        finally:
            self._watching.pop()

    def has(self, file: str) -> bool:
        if self._watching:
            self._watching[-1].add(file)
        return self.files.has(file)

    def has_folder(self, folder: str) -> bool:
        if self._watching:
            self._watching[-1].add(f"{folder}/")
        return self.files.has_folder(folder)

    def read(self, file: str, asked_at: Location) -> bytes:
        """The bytes of a file; SpecError at the place that asks for it where it cannot be read."""
        if self._watching:
            self._watching[-1].add(file)
        data = self.files.unlinked(file)
        if data is None:
            data = self._linked(file, asked_at)
        elif self.told is not None:
            self.told(file, data)
        if pointed_at(data):
            raise SpecError([not_fetched(Location(file))])
        return data

    def _linked(self, file: str, asked_at: Location) -> bytes:
        """The bytes of a file to which a link leads; SpecError where it leads to none."""
        if not self.files.has(file):
            raise SpecError([self._no_file(file, asked_at)])
        if not self.files.is_inside(file):
            raise SpecError([leaves_repository(Location(file))])
        try:
            return self.files.read(file)
        except OSError as error:
            message = f"{file} cannot be read: {error.strerror}"
            raise SpecError([Issue(location=asked_at, code="SCH100", message=message)]) from error

    def matching(self, folder: str, patterns: Sequence[str]) -> Iterator[tuple[str, str]]:
        """The files under a folder that fit a glob: the path under it, and the one from the root; in
        order.
        """
        segmented = [_segments(pattern) for pattern in patterns]
        links: list[str] = []
        for file in self.below(folder, links):
            name = posixpath.relpath(file, folder)
            if any(_fits(pattern, name.split("/")) for pattern in segmented):
                yield name, posixpath.normpath(file)
        parts = [posixpath.relpath(link, folder).split("/") for link in links]
        reached = [
            linked_folder(link)
            for link, part in zip(links, parts, strict=True)
            if any(_may_reach(pattern, part) for pattern in segmented)
        ]
        if reached:
            raise SpecError(reached)

    def glob(self, pattern: str) -> list[str]:
        """The files that fit a pattern from the root, in order."""
        parts = _segments(pattern)
        fixed = list(takewhile(lambda part: not re.search(r"[*?\[]", part), parts[:-1]))
        folder = "/".join(fixed) or "."
        found = self.matching(folder, ["/".join(parts[len(fixed) :])])
        return [file for _, file in found]

    def components(self) -> Sequence[str]:
        """The files that hold components, stacks, suites, environments and waivers, in order; looked
        for once.
        """
        if self._components is None:
            self._components = self._found_components()
        return self._components

    def _found_components(self) -> tuple[str, ...]:
        links: list[str] = []
        found = [
            file
            for folder in _FOLDERS
            for file in self.below(folder, links)
            if file.endswith(ENDINGS)
        ]
        found += [
            file
            for file in self.below("evals", links)
            if file.rsplit("/", 1)[-1] in {"suite.yaml", "suite.yml"}
        ]
        found += [f"waivers{ending}" for ending in ENDINGS if self.has(f"waivers{ending}")]
        self.linked_folders = links
        return tuple(sorted(found))

    def references(self, kind: str) -> list[str]:
        """The references of all files that say that they are of a kind, for suggestions."""
        known = self._references.get(kind)
        if known is None:
            found = [reference_of(file) for file in self.components() if self.says(file, kind)]
            known = self._references[kind] = found
        return known

    def says(self, file: str, kind: str) -> bool:
        """Whether a file's text begins a line with this kind, quoted or not: it may be JSON."""
        said = rb"^[\s{]*[\"']?kind[\"']?\s*:\s*[\"']?" + kind.encode() + rb"\b"
        return re.search(said, self.bytes(file)[:10_000], re.MULTILINE) is not None

    def bytes(self, file: str) -> bytes:
        """The bytes of a file to look for a word in; none where it cannot be read."""
        if not self.has(file) or not self.files.is_inside(file):
            return b""
        try:
            return self.files.read(file)
        except OSError:
            return b""

    def below(self, folder: str, links: list[str] | None = None) -> Iterator[str]:
        """The files under a folder, hidden ones left out; links to folders are not followed, but
        added to `links`.
        """
        if self._watching:
            self._watching[-1].add(f"{folder}/")
        left = [posixpath.normpath(folder)]
        while left:
            place = left.pop()
            if place.count("/") > _MAX_DEPTH:
                raise SpecError([_too_deep(place)])
            found = self._listing(place)
            if found is None:
                continue
            if links is not None:
                links += [f"{place}/{name}" for name in found.links if not name.startswith(".")]
            yield from (f"{place}/{name}" for name in found.files if not name.startswith("."))
            above = "" if place == "." else f"{place}/"
            left += [
                f"{above}{name}" for name in reversed(found.folders) if not name.startswith(".")
            ]

    def _listing(self, folder: str) -> Listing | None:
        """A folder that cannot be listed may hold anything, a gate's suite say."""
        try:
            return self.files.listing(folder)
        except OSError as error:
            message = f"this folder cannot be read: {error.strerror}"
            raise SpecError(
                [Issue(location=Location(folder), code="SCH100", message=message)]
            ) from error

    def _no_file(self, file: str, asked_at: Location) -> Issue:
        if self.files.is_link(file):
            message = f"{file} is a dangling symbolic link"
            hint = "correct what it points to, or remove it"
            return Issue(location=asked_at, code="SCH107", message=message, hint=hint)
        folder = file.rsplit("/", 1)[0] if "/" in file else "."
        others = [name for name in self.below(folder) if name != file]  # a dead link has the name
        hint = did_you_mean(file, others, "create it, or correct the path")
        return Issue(
            location=asked_at, code="SCH107", message=f"there is no file {file}", hint=hint
        )


def _segments(pattern: str) -> list[str]:
    """The parts of a glob between slashes, runs of ** as one."""
    parts = pattern.removeprefix("./").split("/")
    return [part for n, part in enumerate(parts) if part != "**" or parts[n - 1 : n] != ["**"]]


def _fits(pattern: Sequence[str], parts: Sequence[str]) -> bool:
    # By the counts of parts that the pattern so far can stand for: trying every way in which
    # several ** can share a deep path would not end.
    counts = {0}
    for wanted in pattern:
        if wanted == "**":
            counts = set(range(min(counts), len(parts) + 1)) if counts else counts
        else:
            counts = {n + 1 for n in counts if n < len(parts) and fnmatchcase(parts[n], wanted)}
    return len(parts) in counts


def _may_reach(pattern: Sequence[str], parts: Sequence[str]) -> bool:
    """Whether a pattern can fit something below a folder."""
    return any(_fits(pattern[:length], parts) for length in range(1, len(pattern))) or (
        pattern[-1] == "**" and _fits(pattern, parts)
    )


def _too_deep(folder: str) -> Issue:
    top = "/".join(folder.split("/")[:3])
    message = f"folders are nested more than {_MAX_DEPTH} deep under {top}"
    return Issue(location=Location(top), code="SCH100", message=message, hint="flatten them")


def linked_folder(link: str) -> Issue:
    """The issue of a link to a folder whose files would be passed over; the change may be what fixes
    its base.
    """
    message = "this folder is a symbolic link, which is not followed"
    hint = "move the folder here, or commit a copy of it"
    return Issue(location=Location(link), code="SCH100", message=message, hint=hint, blocks="judge")


def not_fetched(location: Location) -> Issue:
    """The issue of a Git LFS pointer in the place of the file for which it stands."""
    message = "this is a Git LFS pointer, not the file that it stands for"
    hint = "run `git lfs pull`; for another commit, `git lfs fetch origin COMMIT`"
    return Issue(location=location, code="SCH100", message=message, hint=hint)


def leaves_repository(location: Location) -> Issue:
    """The issue of a link that points out of the repository, or of what is Git's own."""
    if is_of_git(location.file):
        message = "this file is Git's own, and may hold a login"
        return Issue(location=location, code="SCH100", message=message, hint="name another file")
    return Issue(
        location=location,
        code="SCH100",
        message="this is a symbolic link out of the repository",
        hint="copy what it points to into the repository",
    )
