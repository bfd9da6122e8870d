"""`tetrad rollback ENV [STACK…]`: an earlier identity answers, on every gateway, when this returns."""

from __future__ import annotations

import sys
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from tetrad.cli.changing import add_deployer_key, add_reason, deployer_of
from tetrad.cli.options import add_environment
from tetrad.cli.output import print_text
from tetrad.cli.repository_root import root_of
from tetrad.errors import DatabaseError, ExitCode

if TYPE_CHECKING:
    from tetrad.deploy.rolling_back import ChangedPointer
    from tetrad.model import Environment
    from tetrad.pointer import ServedIdentity
    from tetrad.pointer.kept_pointers import KeptPointers


def add_arguments(parser: ArgumentParser) -> None:
    add_environment(parser)
    parser.add_argument(
        "stacks",
        nargs="*",
        metavar="STACK",
        help="stacks (default: those that the last deployment changed)",
    )
    parser.add_argument(
        "--to",
        metavar="IDENTITY",
        help="an identity that served before, 7 digits or more (default: the one that served last)",
    )
    add_reason(parser)
    add_deployer_key(parser)


def run(args: Namespace) -> ExitCode:
    began = time.monotonic()
    from tetrad.deploy.deployer import opened_store
    from tetrad.deploy.rolling_back import roll_back
    from tetrad.loading.environments import environment_named

    root = root_of(args)
    environment = environment_named(root, args.environment)
    deployer = deployer_of(root, environment, args.key)
    with opened_store(root, environment) as store:
        back = roll_back(
            store,
            deployer,
            args.stacks,
            to=args.to,
            reason=args.reason,
            is_kept=partial(_is_kept, root, environment),
        )
        print_text("".join(f"{line}\n" for line in _lines(back)))
        _wait(store, back, began)
    try:
        reverts = list(_reverts(root, back))
    except DatabaseError as error:
        if environment.cluster is None:
            raise
        said = str(error).partition("\n")[0]
        sys.stderr.write(f"cannot tell what to revert without the registry: {said}\n")
        return ExitCode.PASSED
    if reverts:
        print_text("to make it permanent, revert what introduced it:\n")
        print_text("".join(f"  {command}\n" for command in reverts))
    return ExitCode.PASSED


def _is_kept(root: Path, environment: Environment, to: ServedIdentity) -> bool:
    """Whether gateways can load it. Those in a cluster need no registry, and so no rollback there."""
    from tetrad.registry import open_ledger, registry_place
    from tetrad.snapshots.kept import is_whole

    if environment.cluster is not None:
        return True
    with open_ledger(registry_place(root)) as ledger:
        return is_whole(ledger, to.snapshot)


def _lines(back: ChangedPointer) -> Iterator[str]:
    from tetrad.cli.pointer_lines import changed_lines

    yield f"{back.after.environment} {back.after.number}"
    yield from changed_lines(back.before, back.after)


def _wait(store: KeptPointers, back: ChangedPointer, began: float) -> None:
    """Wait for the gateways; NotAcknowledged names those that do not follow."""
    from tetrad.deploy.acknowledging import LOADS_S, WARM_S, acknowledged, called
    from tetrad.text import pluralize

    is_warm = all(_is_loaded(back, ref, to) for ref, _, to in back.left())
    found = acknowledged(store, back.after.number, within_s=WARM_S if is_warm else LOADS_S)
    for gateway in store.lost_gateways():
        ago = (store.now() - gateway.seen).total_seconds()
        sys.stderr.write(f"not waiting for {called(gateway)}, last seen {ago:,.0f} s ago\n")
    if found.gateways:
        count = pluralize(len(found.gateways), "gateway")
        print_text(f"{count} followed {time.monotonic() - began:.2f} s after the command began\n")
    else:
        print_text("no gateway is running\n")


def _is_loaded(back: ChangedPointer, ref: str, to: ServedIdentity) -> bool:
    return any(served.identity == to.identity for served in back.before.stacks[ref].loaded)


def _reverts(root: Path, back: ChangedPointer) -> Iterator[str]:
    """The commands that take the merged state back to what serves now."""
    from tetrad import git
    from tetrad.registry import open_ledger, registry_place

    commits: dict[str, bool] = {}
    with open_ledger(registry_place(root)) as ledger:
        for ref, left, to in back.left():
            paths = {f"{ref}.lock"}
            for served in (left, to):
                paths |= _paths(ledger.content(served.snapshot))
            found = git.merged_between(root, to.commit, left.commit, sorted(paths))
            commits |= {one.commit: one.is_merge for one in found}
    for commit, is_merge in commits.items():
        yield f"git revert --no-edit {'-m 1 ' if is_merge else ''}{commit[:12]}"


def _paths(manifest: bytes | None) -> set[str]:
    import json

    return {file["path"] for file in json.loads(manifest)["files"]} if manifest else set()
