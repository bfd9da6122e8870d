"""`tetrad plan`: what a change touches, before anything is asked."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from tetrad.cli.folding import folded
from tetrad.cli.options import add_base, add_engine, add_format, add_names, stacks_named
from tetrad.cli.output import write_out
from tetrad.cli.repository_root import root_of
from tetrad.errors import BaseUnusable, ExitCode, SpecError, UsageError

if TYPE_CHECKING:
    from tetrad.loading.checked import Checked
    from tetrad.loading.files import Tree
    from tetrad.loading.repositories import Reading
    from tetrad.plan import Plan
    from tetrad.plan.infrastructure import EnvironmentPlan


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_names(parser)
    add_base(parser)
    add_engine(parser)
    add_format(parser, "text", "json")


def run(args: argparse.Namespace) -> ExitCode:
    from tetrad import git
    from tetrad.cli.remembered import kept
    from tetrad.loading.files import Tree
    from tetrad.loading.garbage import collect_nothing_at_exit, collecting_later
    from tetrad.plan import RENDERERS
    from tetrad.trees import WorkingTree

    root = root_of(args)
    collect_nothing_at_exit()
    with git.base_tree(root, args.base) as base:
        if base is None or args.names:
            plan, _ = _planned(args, Tree(WorkingTree(root)), base)
        else:
            ids = git.id_algorithm(base[0])
            with collecting_later(), kept(root, "plan", ids=ids) as checked:
                plan = _of_what_moved(args, base, checked)
        if not args.names:
            plan = replace(plan, infrastructure=_infrastructure(root, base))
    text = RENDERERS[args.format](plan)
    write_out(folded(text) if args.format == "text" else text)
    return ExitCode.PASSED


def _of_what_moved(args: argparse.Namespace, base: tuple[str, Tree], checked: Checked) -> Plan:
    """The plan of all stacks, looking only at those that differ where it is known which do."""
    from tetrad.evals import Moved

    head, moved = checked.content.tree, Moved(base[1], checked)
    try:
        only = moved.files()
        plan, read = _planned(args, head, base, only)
    except (SpecError, BaseUnusable):
        only = None  # all that is wrong is told, not a part of it
        plan, read = _planned(args, head, base)
    if only is not None:
        stacks = sorted([*plan.stacks, *moved.unmoved()], key=lambda stack: stack.stack)
        plan = replace(plan, stacks=tuple(stacks))
    moved.note(read)
    return plan


def _infrastructure(root: Path, base: tuple[str, Tree] | None) -> tuple[EnvironmentPlan, ...]:
    """What the merge changes in Kubernetes; nothing where no environment of either side is there."""
    from tetrad.cli.infra_program import ask_script, has_script
    from tetrad.loading.files import Tree
    from tetrad.plan.infrastructure import read_infrastructure
    from tetrad.trees import WorkingTree

    trees = [Tree(WorkingTree(root)), *([base[1]] if base else [])]
    if not has_script(root, "changes.py") or not any(map(_is_in_kubernetes, trees)):
        return ()
    before = str(base[1].files.folder()) if base else ""
    code, told = ask_script(root, "changes.py", str(root), before)
    if told is None:
        raise UsageError(f"infra/changes.py exited with {code}")
    return read_infrastructure(told)


def _is_in_kubernetes(tree: Tree) -> bool:
    """Whether a file of an environment may say so: those of laptops start no other process."""
    from tetrad.model import ENVIRONMENTS

    return any(b"kubernetes" in tree.files.read(file) for file in tree.below(ENVIRONMENTS))


def _planned(
    args: argparse.Namespace,
    head: Tree,
    base: tuple[str, Tree] | None,
    only: Sequence[str] | None = None,
) -> tuple[Plan, Reading]:
    from tetrad import git
    from tetrad.cli.progress_display import progress_bars
    from tetrad.evals import compare, estimates, open_session, plan_comparison

    root = head.files.folder()
    head_commit, dirty = git.state(root)
    read: list[Reading] = []
    trees = compare(
        head,
        base,
        head_commit=head_commit,
        dirty=dirty,
        names=args.names,
        only=only,
        heard=read.append,
    )
    whole = only is None
    stacks = stacks_named(trees.head, args.names) if whole else tuple(trees.head.stacks.values())
    with open_session(
        root, offline=args.offline, engine=args.engine, progress=progress_bars()
    ) as session:
        plan = plan_comparison(trees, stacks, session, estimate=estimates(session))
    return plan, read[0]
