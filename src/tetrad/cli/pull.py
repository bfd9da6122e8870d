"""`tetrad pull`: bring the files of models here and verify them."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tetrad.cli.options import add_offline
from tetrad.cli.output import print_status, print_text
from tetrad.cli.repository_root import root_of
from tetrad.errors import ExitCode, TetradError

if TYPE_CHECKING:
    from tetrad.artifacts.progress import Progress
    from tetrad.artifacts.store import Store
    from tetrad.model import Model, Repository, Stack, Suite


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "names",
        nargs="*",
        metavar="NAME",
        help="a model, a stack or a suite (default: all models that run in this process)",
    )
    add_offline(parser)


def run(args: Namespace) -> ExitCode:
    from tetrad.artifacts.store import store_from_environment
    from tetrad.cli.progress_display import progress_bars
    from tetrad.git import refuse_committed
    from tetrad.loading.repositories import load_repository

    root = root_of(args)
    repository = load_repository(root)
    models = _named(repository, args.names) if args.names else _needed(repository)
    if not models:
        sys.stderr.write("no stack has files to fetch\n")
        return ExitCode.PASSED
    store, progress = store_from_environment(), progress_bars()
    refuse_committed(root, store.root)
    worst = ExitCode.PASSED
    for model in models:
        try:
            print_text(_pull(model, store, root, progress, offline=args.offline) + "\n")
        except TetradError as error:  # the other models are pulled all the same
            print_status(f"{error}\n")
            worst = max(worst, error.exit_code)
    return worst


def _pull(model: Model, store: Store, root: Path, progress: Progress, *, offline: bool) -> str:
    """Fetch one model; a line that says what was done."""
    from tetrad.artifacts.download import megabytes
    from tetrad.artifacts.fetch import fetch, missing
    from tetrad.artifacts.sources import needs_nothing

    if needs_nothing(model.source):
        return f"{model.ref}: no files: an endpoint serves it"
    lacking = missing(model, store)
    files = fetch(model, store, root=root, offline=offline, progress=progress)
    size = megabytes(sum(path.stat().st_size for path in files.values()))
    done = f"fetched {len(lacking)} of {len(files)} files" if lacking else "all files present"
    return f"{model.ref}: {done}, verified ({size})"


def _needed(repository: Repository) -> Sequence[Model]:
    """The models that stacks and suites run in this process; a server's weights are the server's."""
    from tetrad.model import TorchEngine

    return [
        model
        for model in _distinct(_all_models(repository))
        if isinstance(model.engine, TorchEngine)
    ]


def _named(repository: Repository, names: Sequence[str]) -> Sequence[Model]:
    from tetrad.loading.repositories import find

    among = [*repository.stacks, *repository.suites, *repository.models]
    return _distinct(
        model for name in names for model in _models_of(repository, find(repository, name, among))
    )


def _models_of(repository: Repository, ref: str) -> Iterator[Model]:
    if ref in repository.models:
        yield repository.models[ref]
    elif ref in repository.stacks:
        yield from _of_stack(repository.stacks[ref])
    else:
        yield from _of_suite(repository.suites[ref])


def _all_models(repository: Repository) -> Iterator[Model]:
    for stack in repository.stacks.values():
        yield from _of_stack(stack)
    for suite in repository.suites.values():
        yield from _of_suite(suite)


def _of_suite(suite: Suite) -> Iterator[Model]:
    for stack in suite.stacks:
        yield from _of_stack(stack)
    for judge in suite.judges.values():
        yield judge.model


def _of_stack(stack: Stack) -> Iterator[Model]:
    yield stack.model
    if stack.prompt.select is not None:
        yield stack.prompt.select.embedding
    if stack.retrieval is not None:
        yield stack.retrieval.corpus.embedding


def _distinct(models: Iterator[Model]) -> Sequence[Model]:
    return list({model.ref: model for model in models}.values())
