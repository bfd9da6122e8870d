"""`tetrad index`: build the indexes of corpora in the vector store, and verify those that are there."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from tetrad.cli.options import add_offline
from tetrad.cli.output import print_status, print_text
from tetrad.cli.repository_root import root_of
from tetrad.errors import ExitCode, TetradError, UsageError

if TYPE_CHECKING:
    from tetrad.artifacts.progress import Progress
    from tetrad.artifacts.store import Store
    from tetrad.corpora import VectorStore
    from tetrad.model import Corpus, Stack
    from tetrad.trees import FileTree


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "names",
        nargs="*",
        metavar="STACK|BUNDLE",
        help="a stack, a stack at a revision (triage@main), an identity, a file or oci://"
        " reference that `tetrad bundle` wrote, or a mounted snapshot (default: all stacks)",
    )
    parser.add_argument(
        "--digest",
        metavar="DIGEST",
        help="fail if the index would be another than this one (sha256:…)",
    )
    parser.add_argument(
        "--wait",
        type=float,
        default=0.0,
        metavar="SECONDS",
        help="wait this long for the vector store (default: 0)",
    )
    parser.add_argument(
        "--prune",
        action="store_true",
        help="drop every index that neither these stacks nor an environment's identities need",
    )
    add_offline(parser)


def run(args: Namespace) -> ExitCode:
    from tetrad.artifacts.store import store_from_environment
    from tetrad.cli.progress_display import progress_bars
    from tetrad.corpora import VectorStore

    progress = progress_bars()
    store = store_from_environment()
    worst = ExitCode.PASSED
    with ExitStack() as opened:
        vectors = opened.enter_context(closing(VectorStore(progress=progress)))
        corpora = _corpora(args, opened)
        _refuse_others(corpora, args.digest)
        if not corpora:
            print_status("no stack has a corpus with store: pgvector\n")
        else:
            vectors.wait(args.wait)
        for one in corpora:
            try:
                print_text(f"{_made(one, vectors, store, progress, offline=args.offline)}\n")
            except TetradError as error:  # the other corpora are indexed all the same
                print_status(f"{error}\n")
                worst = max(worst, error.exit_code)
        if args.prune and worst == ExitCode.PASSED:
            print_text("".join(f"{line}\n" for line in _pruned(args, corpora, vectors)))
    return worst


@dataclass(frozen=True, kw_only=True, slots=True)
class _Found:
    """A corpus with store: pgvector, and the tree that its documents lie in."""

    corpus: Corpus
    files: FileTree


def _corpora(args: Namespace, opened: ExitStack) -> list[_Found]:
    """Each index once."""
    from tetrad.corpora import index_digest

    found = {
        index_digest(one.corpus): one
        for files, stack in _stacks(args, opened)
        if (one := _corpus(files, stack)) is not None
    }
    return list(found.values())


def _corpus(files: FileTree, stack: Stack) -> _Found | None:
    if stack.retrieval is None or stack.retrieval.corpus.index.store != "pgvector":
        return None
    return _Found(corpus=stack.retrieval.corpus, files=files)


def _stacks(args: Namespace, opened: ExitStack) -> Iterator[tuple[FileTree, Stack]]:
    from tetrad.cli.bundles import OCI
    from tetrad.cli.subject import subject_of
    from tetrad.loading.repositories import load_repository
    from tetrad.snapshots.named_parts import is_folder_of_parts

    if not args.names:
        repository = load_repository(_root(args))
        yield from ((repository.files, stack) for stack in repository.stacks.values())
    for name in args.names:
        if name.startswith(OCI) or Path(name).is_file() or is_folder_of_parts(Path(name)):
            yield _unpacked(name, opened)
        else:
            subject = opened.enter_context(subject_of(_root(args), name))
            yield subject.files, subject.stack


def _root(args: Namespace) -> Path:
    from tetrad.artifacts.store import store_from_environment
    from tetrad.git import refuse_committed

    root = root_of(args)
    refuse_committed(root, store_from_environment().root)
    return root


def _unpacked(source: str, opened: ExitStack) -> tuple[FileTree, Stack]:
    from tempfile import TemporaryDirectory

    from tetrad.cli.bundles import bundle_at
    from tetrad.snapshots import check_snapshot, unpack
    from tetrad.snapshots.bundle import snapshot_of
    from tetrad.snapshots.named_parts import is_folder_of_parts, parts_in, snapshot_of_parts
    from tetrad.snapshots.taking import stack_named
    from tetrad.trees import WorkingTree

    path = Path(source)
    if is_folder_of_parts(path):
        snapshot = snapshot_of_parts(parts_in(path), source)
    else:
        snapshot = snapshot_of(bundle_at(source), source)
    check_snapshot(snapshot, source)
    folder = Path(opened.enter_context(TemporaryDirectory(prefix="tetrad-"))) / "tree"
    unpack(snapshot, folder)
    files = WorkingTree(folder)
    return files, stack_named(files, snapshot.stack)


def _pruned(args: Namespace, corpora: Sequence[_Found], vectors: VectorStore) -> Iterator[str]:
    """Drop what nobody needs any more; a line for each index."""
    from tetrad.admission import retained
    from tetrad.corpora import index_digest
    from tetrad.loading.repositories import load_repository

    root, now = _root(args), datetime.now(UTC)
    kept = [one.corpus for one in corpora]
    for environment in load_repository(root).environments.values():
        since = now - timedelta(hours=environment.retain.model_server_hours)
        named = retained(root, environment, since=since)
        if environment.cluster is not None and not named:
            raise UsageError(
                f"the registry has no pointer of {environment.name}, so what serves there is unknown;"
                " nothing was dropped\n  help: name its registry by TETRAD_REGISTRY"
            )
        stacks = [one.stack for one in named]
        kept += [stack.retrieval.corpus for stack in stacks if stack.retrieval is not None]
    for entry in vectors.prune({index_digest(corpus) for corpus in kept}):
        yield f"{entry.corpus}: dropped index {entry.index.hex[:12]}"


def _refuse_others(corpora: Sequence[_Found], expected: str | None) -> None:
    from tetrad.corpora import index_digest

    for one in corpora:
        digest = str(index_digest(one.corpus))
        if expected is not None and digest != expected:
            raise UsageError(
                f"{one.corpus.ref} makes another index\n  expected {expected}\n  found    {digest}"
                "\n  help: use the release of Tetrad that named it"
            )


def _made(
    one: _Found, vectors: VectorStore, store: Store, progress: Progress, *, offline: bool
) -> str:
    """Build or verify one index; a line that says what was done."""
    from tetrad.corpora import make_index
    from tetrad.engines.wiring import build_embedder

    corpus = one.corpus
    embedder = build_embedder(
        corpus.embedding, files=one.files, store=store, offline=offline, progress=progress
    )
    made = make_index(corpus, one.files, embedder, store.root / "embeddings", vectors)
    what = "built" if made.is_new else "verified"
    size = f"{made.chunks:,} chunks of {made.dimensions:,} dimensions"
    return f"{corpus.ref}: {what} index {made.index.hex[:12]} ({size})"
