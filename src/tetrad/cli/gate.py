"""`tetrad gate`: evaluate the candidate and its base, decide, write the report."""

from __future__ import annotations

import argparse
import asyncio
import sys
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from tetrad import __version__
from tetrad.cli.options import add_base, add_engine, add_names, stacks_named
from tetrad.cli.report import FORMATS, LAST
from tetrad.cli.root import root_of
from tetrad.errors import ExitCode

if TYPE_CHECKING:
    from tetrad.artifacts.progress import Progress
    from tetrad.cli.trees import Compared
    from tetrad.evals import Workbench
    from tetrad.plan import Plan
    from tetrad.results.report import Report, StackReport

HELP = "evaluate what a change touches, on it and on its base, and decide"
EXITS = {
    "PASSED": ExitCode.PASSED,
    "FAILED": ExitCode.REFUSED,
    "INCONCLUSIVE": ExitCode.INCONCLUSIVE,
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_names(parser)
    add_base(parser)
    add_engine(parser)
    parser.add_argument(
        "--format", choices=FORMATS, default="text", help="of standard output (default: text)"
    )


def run(args: argparse.Namespace) -> ExitCode:
    from tetrad.cli.progress import progress_bars
    from tetrad.report import render

    root = root_of(args)
    report = gate(root, args, progress_bars(), today=datetime.now(UTC).date())
    html = write_last(root, report)
    sys.stdout.write(render(report, args.format))
    sys.stderr.write(f"report: {html}\n")
    return EXITS[report.decision]


def gate(root: Path, args: argparse.Namespace, progress: Progress, *, today: date) -> Report:
    """The report on the working tree at `root`, by the options of the command."""
    from tetrad.cli.bench import plan_of, workbench
    from tetrad.cli.trees import compared

    with compared(root, args.base) as trees:
        stacks = stacks_named(trees.head, args.names)
        with workbench(root, args, progress) as bench:
            plan = plan_of(trees, stacks, bench)
            reports = asyncio.run(_judged(plan, trees, bench, progress, today))
            return _report(plan, reports, bench, trees)


async def _judged(
    plan: Plan, trees: Compared, bench: Workbench, progress: Progress, today: date
) -> tuple[StackReport, ...]:
    from tetrad.evals.judging import Judged, judge
    from tetrad.spec.model import Repository

    def judged(repository: Repository) -> Judged:
        return Judged(
            repository=repository,
            select=lambda suite, stack: bench.select(
                suite, stack, root=repository.root, suite_root=trees.head.root
            ),
        )

    try:
        return await judge(
            plan.stacks,
            judged(trees.head),
            judged(trees.base) if trees.base else None,
            registry=bench.registry,
            today=today,
            progress=progress,
        )
    finally:
        await bench.aclose()


def _report(
    plan: Plan, stacks: tuple[StackReport, ...], bench: Workbench, trees: Compared
) -> Report:
    from dataclasses import replace

    from tetrad.evals.judging import overall_decision
    from tetrad.plan import suites_of
    from tetrad.results.outcome import Calls
    from tetrad.results.report import Report

    every = sum(
        case.repeats
        for stack in plan.stacks
        for suite in suites_of(trees.head, trees.head.stacks[stack.stack])
        if suite.ref not in {planned.suite for planned in stack.suites}
        for case in suite.golden.cases
    )
    return Report(
        decision=overall_decision(stacks),
        base=plan.base,
        head=plan.head,
        dirty=plan.dirty,
        calls=bench.calls + Calls(skipped=every),
        stacks=tuple(replace(stack, preview=bench.engine is not None) for stack in stacks),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        harness=__version__,
    )


def write_last(root: Path, report: Report) -> Path:
    """Keep the report as JSON and HTML under .tetrad/; the page's path."""
    from tetrad.report import render

    folder = (root / LAST).parent
    folder.mkdir(exist_ok=True)
    (root / LAST).write_text(render(report, "json"), encoding="utf-8")
    page = folder / "report.html"
    page.write_text(render(report, "html"), encoding="utf-8")
    return page
