"""`tetrad gate`: evaluate the candidate and its base, decide, write the report."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from tetrad.cli.options import add_base, add_engine, add_format, add_names, stacks_named
from tetrad.cli.output import write_file, write_out
from tetrad.cli.report import FORMATS, LAST, shown
from tetrad.cli.repository_root import root_of
from tetrad.errors import ExitCode, UsageError
from tetrad.writing import remove_file

if TYPE_CHECKING:
    from tetrad.model import Environment, Stack
    from tetrad.results.gate_report import Report

EXITS = {
    "PASSED": ExitCode.PASSED,
    "FAILED": ExitCode.REFUSED,
    "INCONCLUSIVE": ExitCode.INCONCLUSIVE,
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_names(parser)
    add_base(parser)
    parser.add_argument(
        "--unproven",
        action="store_true",
        help="evaluate the stacks that serve --env and lack evidence for it, with all their suites",
    )
    parser.add_argument("--env", metavar="ENV", help="the environment of --unproven")
    add_engine(parser)
    add_format(parser, *FORMATS)


def run(args: argparse.Namespace) -> ExitCode:
    from tetrad import git
    from tetrad.cli.progress_display import progress_bars
    from tetrad.evals import compare, gate, interrupts, open_session, plan_comparison
    from tetrad.loading.files import Tree
    from tetrad.plan import no_estimate
    from tetrad.trees import WorkingTree

    root, progress = root_of(args), progress_bars()
    names = _unproven(root, args) if args.unproven or args.env else args.names
    remove_last(root)
    if args.unproven and not names:
        return ExitCode.PASSED
    with git.base_tree(root, args.base) as base:
        head_commit, dirty = git.state(root)
        trees = compare(
            Tree(WorkingTree(root)), base, head_commit=head_commit, dirty=dirty, names=names
        )
        stacks = stacks_named(trees.head, names)
        with open_session(
            root, offline=args.offline, engine=args.engine, progress=progress
        ) as session:
            plan = plan_comparison(
                trees, stacks, session, estimate=no_estimate, everything=args.unproven
            )
            now = datetime.now(UTC)
            report = interrupts.run(gate(trees, plan, session, now=now, progress=progress))
    write_out(shown(report, args.format))
    sys.stderr.write(f"report: {write_last(root, report)}\n")
    return EXITS[report.decision]


def _unproven(root: Path, args: argparse.Namespace) -> list[str]:
    """The stacks that serve an environment, among those named, and lack evidence for it; says why
    where there are none.
    """
    from tetrad.admission import KeptEvidence, has_evidence, question
    from tetrad.loading.repositories import find, load_repository

    if not (args.unproven and args.env):
        raise UsageError("--unproven and --env go together: write --unproven --env ENV")
    repository = load_repository(root)
    environment = repository.environments[find(repository, args.env, repository.environments)]
    named = stacks_named(repository, args.names)
    serving = [stack for stack in named if environment.name in stack.environments]
    with KeptEvidence(root) as kept:
        unproven = [
            stack.ref
            for stack in serving
            if not has_evidence(kept, question(repository, stack, args.env))
        ]
    if not unproven:
        sys.stderr.write(f"{_why_proven(environment, serving)}: nothing to evaluate\n")
    return unproven


def _why_proven(environment: Environment, serving: Sequence[Stack]) -> str:
    if not serving:
        return f"no stack names {environment.name} under serving.environments"
    if environment.evidence is None:
        return f"{environment.name} requires no evidence"
    return f"every stack that serves {environment.name} has evidence"


def remove_last(root: Path) -> None:
    """Remove the last report, so that it is not taken for that of a gate that could not run."""
    for place in (LAST, LAST.with_suffix(".html")):
        try:
            remove_file(root / place)
        except NotADirectoryError as error:
            raise _in_the_way(place.parent, "a file", "a folder") from error
        except IsADirectoryError as error:
            raise _in_the_way(place, "a folder", "a file") from error


def _in_the_way(place: Path, found: str, wanted: str) -> UsageError:
    return UsageError(
        f"{place.as_posix()} is {found}, and `tetrad gate` keeps {wanted} there"
        f"\n  help: rm -r {place.as_posix()}; if it is committed, git rm -r {place.as_posix()}"
    )


def write_last(root: Path, report: Report) -> Path:
    """Keep the report as JSON and HTML under .tetrad/; the page's path."""
    from tetrad.database import make_kept_folder
    from tetrad.report import render

    make_kept_folder((root / LAST).parent)
    write_file(root / LAST, render(report, "json"))
    page = (root / LAST).with_suffix(".html")
    write_file(page, render(report, "html"))
    return page
