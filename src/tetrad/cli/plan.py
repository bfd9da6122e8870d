"""`tetrad plan`: what a change touches, before anything is asked."""

from __future__ import annotations

import argparse

from tetrad.cli.options import add_base, add_engine, add_format, add_names, stacks_named
from tetrad.cli.output import write_out
from tetrad.cli.root import root_of
from tetrad.errors import ExitCode


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_names(parser)
    add_base(parser)
    add_engine(parser)
    add_format(parser, "text", "json")


def run(args: argparse.Namespace) -> ExitCode:
    from tetrad import git
    from tetrad.cli.progress import progress_bars
    from tetrad.evals import compare, estimates, open_workbench, plan_comparison
    from tetrad.plan import RENDERERS

    root = root_of(args)
    with git.base_tree(root, args.base) as base:
        head_commit, dirty = git.state(root)
        trees = compare(root, base, head_commit=head_commit, dirty=dirty, names=args.names)
        stacks = stacks_named(trees.head, args.names)
        with open_workbench(
            root, offline=args.offline, engine=args.engine, progress=progress_bars()
        ) as bench:
            plan = plan_comparison(trees, stacks, bench, estimate=estimates(bench))
    write_out(RENDERERS[args.format](plan))
    return ExitCode.PASSED
