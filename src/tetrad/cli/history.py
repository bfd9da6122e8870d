"""`tetrad history ENV`: every change of what served it, the newest first."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from itertools import chain, islice, pairwise
from typing import TYPE_CHECKING, Any

from tetrad.cli.log import add_max_count
from tetrad.cli.options import add_environment, add_format
from tetrad.cli.output import print_text, write_out
from tetrad.cli.repository_root import root_of
from tetrad.errors import ExitCode

if TYPE_CHECKING:
    from tetrad.pointer import Pointer


def add_arguments(parser: ArgumentParser) -> None:
    add_environment(parser)
    add_max_count(parser, "changes")
    add_format(parser, "text", "json")


def run(args: Namespace) -> ExitCode:
    from tetrad.deploy.deployer import existing_store
    from tetrad.loading.environments import environment_named

    root = root_of(args)
    environment = environment_named(root, args.environment)
    store = existing_store(root, environment)
    changes = []
    if store is not None:
        with store:
            changes = list(islice(pairwise(chain(store.history(), [None])), args.max_count))
    if args.format == "json":
        write_out(json.dumps([_document(after) for after, _ in changes], indent=2) + "\n")
    else:
        lines = [line for after, before in changes for line in _lines(before, after)]
        nothing = f"nothing was deployed to {environment.name}\n"
        print_text("".join(f"{line}\n" for line in lines) or nothing)
    return ExitCode.PASSED


def _lines(before: Pointer | None, after: Pointer | None) -> Iterator[str]:
    from tetrad.cli.pointer_lines import changed_lines

    if after is not None:
        change = after.change
        by = f"  {change.by}" if change.by else ""
        yield (
            f"{after.number}  {after.at:%Y-%m-%d %H:%M:%S}  {change.kind}{by}"
            f"  commit {after.commit[:12]}"
        )
        if change.reason:
            yield f"  {change.reason}"
        yield from changed_lines(before, after)


def _document(pointer: Pointer | None) -> Any:
    from tetrad.pointer.pointer_json import as_json

    return as_json(pointer)
