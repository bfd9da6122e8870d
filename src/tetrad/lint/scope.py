"""The files that lint reads as text, and which files a request to lint reaches.

The only place of this stage that reads a disk.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from tetrad.errors import UsageError
from tetrad.lint.suppressions import suppressions_of
from tetrad.lint.tree import CountTokens, LintTree, bytes_of
from tetrad.loading.documents import documents_of
from tetrad.loading.files import Tree as Folder
from tetrad.model import Corpus
from tetrad.places import below_checkout
from tetrad.trees import FileTree
from tetrad.yamldoc.parse import GOLDEN_SET

if TYPE_CHECKING:
    from tetrad.loading.repositories import Reading

# Folders whose names say what kind of thing lies in them, and nothing about which.
_KINDS_OF_THINGS = frozenset(
    {"prompts", "stacks", "models", "corpora", "tools", "evals", "infra", "environments"}
)


class Texts(Mapping[str, str]):
    """Texts of files by name, each read when it is first asked for."""

    def __init__(self, files: FileTree, known: Mapping[str, str], names: Iterable[str]) -> None:
        self._files = files
        self._texts: dict[str, str | None] = dict(known)
        self._names = dict.fromkeys([*known, *names])

    def __getitem__(self, file: str) -> str:
        if file not in self._texts:
            self._texts[file] = _read(self._files, file)
        text = self._texts[file]
        if text is None:
            raise KeyError(file)
        return text

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


def _read(files: FileTree, file: str) -> str | None:
    """A text file; None where there is none in the tree, or where it is larger than anything we read."""
    try:
        if files.size(file) > GOLDEN_SET.max_bytes:
            return None
        data = files.unlinked(file)
        if data is None and files.has(file) and files.is_inside(file):
            data = files.read(file)
    except OSError:
        return None
    return None if data is None else data.decode("utf-8-sig", errors="replace")


def tree_of(
    reading: Reading,
    *,
    asked: Sequence[str] | None = None,
    whole: bool = True,
    today: date,
    count: CountTokens = bytes_of,
) -> LintTree:
    """What rules see of a reading; `asked` are files, and folders that end with a slash."""
    repository = reading.repository
    corpus_files = {
        ref: _files_of(repository.files, corpus) for ref, corpus in repository.corpora.items()
    }
    known = {file: document.text for file, document in reading.documents.items()}
    names = [*_referenced(reading), *(file for files in corpus_files.values() for file in files)]
    texts = Texts(repository.files, known, names)
    asked_for = dict.fromkeys(texts if asked is None else _within(asked, texts))
    return LintTree(
        repository=repository,
        issues=reading.issues,
        documents=reading.documents,
        texts=texts,
        names=tuple(asked_for),
        corpus_files=corpus_files,
        suppressions=tuple(
            suppression
            for file, document in reading.documents.items()
            if file in asked_for
            for suppression in suppressions_of(document)
        ),
        today=today,
        whole=whole,
        count=count,
        below=below_checkout(repository.root),
    )


def _within(asked: Sequence[str], texts: Iterable[str]) -> Iterator[str]:
    """The files asked for, and of the folders those files that lint reads."""
    folders = tuple(name for name in asked if name.endswith("/"))
    yield from (file for file in texts if file.startswith(folders))
    yield from (name for name in asked if not name.endswith("/"))


def _referenced(reading: Reading) -> Iterator[str]:
    yield from (issue.location.file for issue in reading.issues)
    for prompt in reading.repository.prompts.values():
        yield from (file for message in prompt.messages for file in message.files)
        yield from dict.fromkeys(example.location.file for example in prompt.examples)
    for suite in reading.repository.suites.values():
        yield from (suite.golden.path, *suite.golden.files)


def _files_of(files: FileTree, corpus: Corpus) -> tuple[str, ...]:
    """The files of a corpus, from the repository's root."""
    return tuple(file for _, file in documents_of(Folder(files), corpus.documents))


def asked_files(root: Path, paths: Sequence[Path]) -> tuple[str, ...] | None:
    """Paths of a command line from the repository's root, folders with a slash; None for all."""
    found: list[str] = []
    for path in paths:
        if not path.exists():
            named = path.with_name(f"{path.name}.yaml")  # as references name files
            hint = f"\n  help: did you mean {named}?" if named.exists() else ""
            raise UsageError(f"there is no file {path}{hint}")
        inside = path.parent.resolve() / path.name  # a link stands for itself
        if not inside.is_relative_to(root):
            raise UsageError(
                f"{path} is not in the repository {root}\n  help: run from there, or name it by -C"
            )
        name = inside.relative_to(root).as_posix()
        found.append(f"{name}/" if inside.is_dir() else name)
    return None if not found or "./" in found else tuple(found)


def starting_points(files: FileTree, asked: Sequence[str]) -> tuple[str, ...]:
    """The files asked for and whatever may use them, found by their names.

    What is named but does not use the file costs a little time and changes no finding, because
    only findings in the files asked for are reported. A suite is used by nothing, and adds to
    what is found only in the stacks that it judges.
    """
    folder = Folder(files)
    texts = folder.below("prompts")  # one may include the one that is asked for
    contents = {file: _bytes(files, file) for file in (*folder.components(), *texts)}
    reached = dict.fromkeys(asked)
    fresh = list(asked)
    while fresh:
        names = {name for file in fresh for name in _names_of(file)}
        fresh = [
            file
            for file, content in contents.items()
            if file not in reached and any(name in content for name in names)
        ]
        reached |= dict.fromkeys(fresh)
        contents = {file: text for file, text in contents.items() if not file.startswith("evals/")}
    return (*reached, "waivers.yaml", "waivers.yml")


def _bytes(files: FileTree, file: str) -> bytes:
    try:
        return files.read(file)
    except OSError:
        return b""


def _names_of(file: str) -> Iterator[bytes]:
    """How others may refer to a file: a reference to a component, a name or a folder of a text."""
    *folders, name = file.split("/")
    if name.endswith((".yaml", ".yml")):
        stem = name.partition(".")[0]
        named = ["/".join([*folders, stem]), f"./{stem}"]
    else:
        named = [name, *(part for part in folders[-3:] if part not in _KINDS_OF_THINGS)]
    return (part.encode() for part in named)
