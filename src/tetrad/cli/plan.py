"""`tetrad plan`: what a change touches, before anything is asked."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from tetrad.cli.options import add_base, add_engine, add_format, add_names, stacks_named
from tetrad.cli.output import write_out
from tetrad.cli.root import root_of
from tetrad.errors import BaseUnusable, ExitCode, SpecError

if TYPE_CHECKING:
    from tetrad.loading.checked import Checked
    from tetrad.loading.repository import Reading
    from tetrad.plan import Plan
    from tetrad.trees import FileTree


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_names(parser)
    add_base(parser)
    add_engine(parser)
    add_format(parser, "text", "json")


def run(args: argparse.Namespace) -> ExitCode:
    from tetrad import git
    from tetrad.cli.kept import kept
    from tetrad.loading.garbage import collect_nothing_at_exit, collecting_later
    from tetrad.plan import RENDERERS

    root = root_of(args)
    collect_nothing_at_exit()
    with git.base_tree(root, args.base) as base:
        if base is None or args.names:
            plan, _ = _planned(args, root, base)
        else:
            with collecting_later(), kept(root, "plan") as checked:
                plan = _of_what_moved(args, root, base, checked)
    write_out(RENDERERS[args.format](plan))
    return ExitCode.PASSED


def _of_what_moved(
    args: argparse.Namespace, root: Path, base: tuple[str, FileTree], checked: Checked
) -> Plan:
    """The plan of all stacks, looking only at those that differ where it is known which do."""
    from tetrad.evals import Moved

    moved = Moved(base[1], checked)
    try:
        only = moved.files()
        plan, read = _planned(args, root, base, only)
    except (SpecError, BaseUnusable):
        only = None  # all that is wrong is told, not a part of it
        plan, read = _planned(args, root, base)
    if only is not None:
        stacks = sorted([*plan.stacks, *moved.unmoved()], key=lambda stack: stack.stack)
        plan = replace(plan, stacks=tuple(stacks))
    moved.note(read)
    return plan


def _planned(
    args: argparse.Namespace,
    root: Path,
    base: tuple[str, FileTree] | None,
    only: Sequence[str] | None = None,
) -> tuple[Plan, Reading]:
    from tetrad import git
    from tetrad.cli.progress import progress_bars
    from tetrad.evals import compare, estimates, open_workbench, plan_comparison

    head_commit, dirty = git.state(root)
    read: list[Reading] = []
    trees = compare(
        root,
        base,
        head_commit=head_commit,
        dirty=dirty,
        names=args.names,
        only=only,
        heard=read.append,
    )
    whole = only is None
    stacks = stacks_named(trees.head, args.names) if whole else tuple(trees.head.stacks.values())
    with open_workbench(
        root, offline=args.offline, engine=args.engine, progress=progress_bars()
    ) as bench:
        plan = plan_comparison(trees, stacks, bench, estimate=estimates(bench))
    return plan, read[0]
