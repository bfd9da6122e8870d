"""Which files of a tree a stack's identity comes from.

Loading a stack writes down what it looks at; that, the documents of its corpus, and the same of the
stacks that it falls back to are what is taken. Golden sets, environments, locks and settings are not:
they judge a stack or say where it runs.
"""

from __future__ import annotations

from collections.abc import Iterator

from tetrad import __version__
from tetrad.canonical import with_lf
from tetrad.errors import ArtifactError, Location, TetradError
from tetrad.identity import RUNTIME, identity_document
from tetrad.loading.documents import MAX_DOCUMENT_BYTES, documents_of
from tetrad.loading.files import Tree
from tetrad.loading.parsed import Parsed
from tetrad.loading.reach import files_meant
from tetrad.loading.repositories import find, read_tree, sound
from tetrad.model import Corpus, Repository, Stack
from tetrad.model.references import candidates
from tetrad.model.serving import OtherStack
from tetrad.snapshots.held_tree import HeldTree
from tetrad.snapshots.snapshot import MAX_BYTES, Snapshot, refuse_paths
from tetrad.trees import FileTree


def take_snapshot(files: FileTree, name: str, parsed: Parsed | None = None) -> Snapshot:
    """The snapshot of a stack of a tree; SpecError where it does not load.

    `parsed` is shared by the snapshots of one tree.
    """
    tree, repository = _loaded(files, _files_named(files, name), parsed)
    stack = repository.stacks[find(repository, name, repository.stacks)]
    taken = {path: _content(tree, path) for path in sorted(_paths(tree, repository))}
    refuse_paths(taken, stack.ref)
    snapshot = Snapshot(
        stack=stack.ref,
        document=identity_document(stack),
        release=__version__,
        files=taken,
    )
    if snapshot.size > MAX_BYTES:
        raise ArtifactError(
            f"{stack.ref}: its files have {snapshot.size / 1e6:,.0f} MB,"
            f" a snapshot holds {MAX_BYTES / 1e6:,.0f} MB"
        )
    return snapshot


def stack_named(files: FileTree, name: str) -> Stack:
    """The stack that a name means in a tree, loaded without what judges it."""
    repository = sound(read_tree(Tree(files), _files_named(files, name)))
    return repository.stacks[find(repository, name, repository.stacks)]


def check_snapshot(snapshot: Snapshot, origin: str) -> None:
    """ArtifactError where the files do not make the identity, or hold more than it needs."""
    if snapshot.document.get("runtime") != RUNTIME:
        raise ArtifactError(
            f"{origin}: the snapshot has runtime {snapshot.document.get('runtime')},"
            f" and this Tetrad computes identities of runtime {RUNTIME}"
            f"\n  help: use Tetrad {snapshot.release}"
        )
    try:
        again = take_snapshot(HeldTree(snapshot.files), snapshot.stack)
    except TetradError as error:
        told = str(error).replace("\n", "\n  ")
        raise ArtifactError(f"{origin}: its stack does not load:\n  {told}") from error
    if again.stack != snapshot.stack:
        raise ArtifactError(f"{origin}: {snapshot.stack!r} is not the reference of {again.stack}")
    if again.identity != snapshot.identity:
        raise ArtifactError(
            f"{origin}: the files make another identity"
            f"\n  expected tetrad:{snapshot.identity.hex}\n  found    tetrad:{again.identity.hex}"
        )
    surplus = sorted(snapshot.files.keys() - again.files.keys())
    if surplus:
        raise ArtifactError(f"{origin}: the identity does not come from {surplus[0]}")


def _files_named(files: FileTree, name: str) -> list[str] | None:
    """The files of stacks that a name can mean; None where it means none."""
    found = files_meant(Tree(files), [name], ("stack",))
    if found is None:
        return None
    # no suites, whatever they say that they are
    return [file for file in found if "/" in file and not file.startswith("evals/")]


def _loaded(
    files: FileTree, only: list[str] | None, parsed: Parsed | None
) -> tuple[Tree, Repository]:
    """Stacks and those that they fall back to, with what loading them looked at."""
    while True:
        tree = Tree(files)
        repository = sound(read_tree(tree, only, parsed))
        fallbacks = [
            file
            for stack in repository.stacks.values()
            for file in _fallback(files, stack)
            if only is not None and file not in only
        ]
        if not fallbacks:
            return tree, repository
        only = [*(only or ()), *dict.fromkeys(fallbacks)]


def _fallback(files: FileTree, stack: Stack) -> Iterator[str]:
    if isinstance(stack.serving.fallback, OtherStack):
        yield from (file for file in candidates(stack.serving.fallback.ref) if files.has(file))


def _paths(tree: Tree, repository: Repository) -> Iterator[str]:
    stacks = {stack.location.file for stack in repository.stacks.values()}
    for component, looked_at in tree.looked_at.items():
        yield component
        if component not in stacks:  # a stack looks at environments, and at nothing of its own
            yield from (name for name in looked_at if _is_file(tree, name))
    for corpus in repository.corpora.values():
        yield from _documents(tree, corpus)


def _is_file(tree: Tree, name: str) -> bool:
    return not name.endswith("/") and tree.has(name)


def _documents(tree: Tree, corpus: Corpus) -> Iterator[str]:
    return (file for _, file in documents_of(tree, corpus.documents))


def _content(tree: Tree, path: str) -> bytes:
    """A file's bytes with the line ends that digests count, so that every checkout gives the same."""
    data = tree.read(path, Location(path))
    # the digest of a larger document is that of its bytes
    return data if len(data) > MAX_DOCUMENT_BYTES else with_lf(data)
