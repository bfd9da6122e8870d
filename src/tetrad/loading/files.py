"""The files of one repository: which there are, and reading them without leaving it."""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from fnmatch import fnmatchcase
from itertools import takewhile
from pathlib import Path

from tetrad.errors import Issue, Location, SpecError
from tetrad.loading.lfs import pointed_at
from tetrad.model.references import ENDINGS, reference_of
from tetrad.schemas.nearest import did_you_mean

_FOLDERS = ("prompts", "stacks", "infra/environments")
_MAX_DEPTH = 100  # of folders; Python 3.11 lists no thousand of them


class Tree:
    """A repository's folder; files are named by POSIX paths from its root."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._root = str(root)
        self._real_root = os.path.realpath(root)
        self._real_folders: dict[str, str] = {}
        self._references: dict[str, list[str]] = {}  # by kind
        self.looked_at: dict[str, set[str]] = {}  # names, by the component that was loaded
        self._watching: list[set[str]] = []
        self.linked_folders: list[str] = []  # among the components; their files are not read

    # Thousands of names are looked up, and pathlib takes three times as long.

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
        return os.path.isfile(f"{self._root}/{file}")  # noqa: PTH113

    def has_folder(self, folder: str) -> bool:
        if self._watching:
            self._watching[-1].add(f"{folder}/")
        return os.path.isdir(f"{self._root}/{folder}")  # noqa: PTH112

    def read(self, file: str, asked_at: Location) -> bytes:
        """The bytes of a file; SpecError at the place that asks for it where it cannot be read."""
        path = f"{self._root}/{file}"
        if not self.has(file):
            raise SpecError([self._no_file(file, asked_at)])
        if not self.is_inside(path):
            raise SpecError([leaves_repository(Location(file))])
        try:
            with open(path, "rb", buffering=0) as stream:  # noqa: PTH123
                data = stream.readall()
        except OSError as error:
            message = f"{file} cannot be read: {error.strerror}"
            raise SpecError([Issue(location=asked_at, code="SCH100", message=message)]) from error
        if pointed_at(data):
            raise SpecError([not_fetched(Location(file))])
        return data

    def is_inside(self, path: Path | str) -> bool:
        """Whether a path stays within the root, and out of Git's own folder; a folder is looked at
        once.
        """
        folder, name = os.path.split(path)
        real_folder = self._real_folders.get(folder)
        if real_folder is None:
            real_folder = self._real_folders[folder] = os.path.realpath(folder)
        real = os.path.join(real_folder, name)  # noqa: PTH118 - as above
        if os.path.islink(real):  # noqa: PTH114 - as above
            real = os.path.realpath(real)
        if real == self._real_root:
            return True
        # A checkout keeps its login in .git/config, and a prompt would tell it to an endpoint.
        return real.startswith(self._real_root + os.sep) and not _is_of_git(
            real[len(self._real_root) + 1 :]
        )

    def matching(self, folder: str, patterns: Sequence[str]) -> Iterator[tuple[str, Path]]:
        """The files under a folder that fit a glob, by their path under it, in order."""
        segmented = [_segments(pattern) for pattern in patterns]
        links: list[str] = []
        for file in self.files(folder, links):
            name = posixpath.relpath(file, folder)
            if any(_fits(pattern, name.split("/")) for pattern in segmented):
                yield name, self.root / file
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
        return [posixpath.normpath(f"{folder}/{name}") for name, _ in found]

    def components(self) -> Iterator[str]:
        """The files that hold components, stacks, suites, environments and waivers, in order."""
        links: list[str] = []
        found = [
            file
            for folder in _FOLDERS
            for file in self.files(folder, links)
            if file.endswith(ENDINGS)
        ]
        found += [
            file
            for file in self.files("evals", links)
            if file.rsplit("/", 1)[-1] in {"suite.yaml", "suite.yml"}
        ]
        found += [f"waivers{ending}" for ending in ENDINGS if self.has(f"waivers{ending}")]
        self.linked_folders = links
        yield from sorted(found)

    def references(self, kind: str) -> list[str]:
        """The references of all files that say that they are of a kind, for suggestions."""
        known = self._references.get(kind)
        if known is None:
            found = [reference_of(file) for file in self.components() if self.says(file, kind)]
            known = self._references[kind] = found
        return known

    def says(self, file: str, kind: str) -> bool:
        """Whether a file's text begins a line with this kind."""
        said = rb"^kind:\s*" + kind.encode() + rb"\b"
        return re.search(said, self.bytes(file)[:10_000], re.MULTILINE) is not None

    def bytes(self, file: str) -> bytes:
        """The bytes of a file to look for a word in; none where it cannot be read."""
        path = f"{self._root}/{file}"
        if not self.has(file) or not self.is_inside(path):
            return b""
        try:
            with open(path, "rb", buffering=0) as stream:  # noqa: PTH123
                return stream.readall()
        except OSError:
            return b""

    def files(self, folder: str, links: list[str] | None = None) -> Iterator[str]:
        """The files under a folder, hidden ones left out; links to folders are not followed, but
        added to `links`.
        """
        if self._watching:
            self._watching[-1].add(f"{folder}/")
        for place, folders, names in os.walk(self.root / folder, onerror=self._refuse):
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            prefix = Path(place).relative_to(self.root).as_posix()
            if prefix.count("/") > _MAX_DEPTH:
                raise SpecError([_too_deep(prefix)])
            if links is not None:
                there = (f"{prefix}/{name}" for name in folders)
                links += [link for link in there if os.path.islink(f"{self._root}/{link}")]  # noqa: PTH114
            for name in sorted(names):
                if not name.startswith("."):
                    yield f"{prefix}/{name}"

    def _refuse(self, error: OSError) -> None:
        """A folder that cannot be listed may hold anything, a gate's suite say."""
        if isinstance(error, FileNotFoundError | NotADirectoryError):
            return
        place = Path(error.filename).relative_to(self.root).as_posix()
        message = f"this folder cannot be read: {error.strerror}"
        raise SpecError(
            [Issue(location=Location(place), code="SCH100", message=message)]
        ) from error

    def _no_file(self, file: str, asked_at: Location) -> Issue:
        if os.path.islink(f"{self._root}/{file}"):  # noqa: PTH114 - as above
            message = f"{file} is a symbolic link that leads to no file"
            hint = "correct what it points to, or remove it"
            return Issue(location=asked_at, code="SCH107", message=message, hint=hint)
        folder = file.rsplit("/", 1)[0] if "/" in file else "."
        others = [name for name in self.files(folder) if name != file]  # a dead link has the name
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


def _is_of_git(file: str) -> bool:
    return ".git" in file.lower().split("/")


def _too_deep(folder: str) -> Issue:
    top = "/".join(folder.split("/")[:3])
    message = f"folders are nested more than {_MAX_DEPTH} deep under {top}"
    return Issue(location=Location(top), code="SCH100", message=message, hint="flatten them")


def linked_folder(link: str) -> Issue:
    """The issue of a link to a folder whose files would be passed over; the change may be what mends
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
    if _is_of_git(location.file):
        message = "this file is Git's own, and may hold a login"
        return Issue(location=location, code="SCH100", message=message, hint="name another file")
    return Issue(
        location=location,
        code="SCH100",
        message="this is a symbolic link out of the repository",
        hint="copy what it points to into the repository",
    )
