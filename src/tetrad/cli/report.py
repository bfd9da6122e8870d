"""`tetrad report`: render the last gate's report, or another one, in any format."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from tetrad.cli.folding import columns
from tetrad.cli.options import add_format
from tetrad.cli.output import in_colour, write_file, write_out
from tetrad.cli.repository_root import root_of
from tetrad.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from tetrad.results.gate_report import Report

FORMATS = ("text", "json", "junit", "markdown", "html")
LAST = Path(".tetrad") / "report.json"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "file",
        nargs="?",
        metavar="FILE",
        type=Path,
        help=f"a report as JSON (default: {LAST.as_posix()}, the last one)",
    )
    add_format(parser, *FORMATS)
    parser.add_argument(
        "--output", type=Path, metavar="FILE", help="write to this file instead of standard output"
    )


def shown(report: Report, fmt: str) -> str:
    """A report for standard output: as wide as the terminal or COLUMNS says, in colour where there
    is one.
    """
    from tetrad.report import render
    from tetrad.report.as_text import WIDTH, render_text

    if fmt == "text":
        return render_text(report, width=columns() or WIDTH, colour=in_colour())
    return render(report, fmt)


def _refuse_another_commit(report: Report, root: Path) -> None:
    """A cache, say, may bring the report of another commit: it says nothing of this one."""
    from tetrad import git

    head, _ = git.state(root)
    if report.head != head:
        raise UsageError(
            f"{LAST.as_posix()} is the report of {_named(report.head)}, and {_named(head)} is checked"
            f" out\n  help: run `tetrad gate`, or name the file: tetrad report {LAST.as_posix()}"
        )


def _named(commit: str | None) -> str:
    return "no commit" if commit is None else f"commit {commit[:12]}"


def run(args: argparse.Namespace) -> ExitCode:
    from tetrad import git, read_report
    from tetrad.report import render

    path = args.file or root_of(args) / LAST
    git.refuse_committed(Path.cwd() if args.file else root_of(args), path)
    report = read_report(path)
    if args.file is None:
        _refuse_another_commit(report, root_of(args))
    if args.output is None:
        write_out(shown(report, args.format))
    else:
        write_file(args.output, render(report, args.format))
    return ExitCode.PASSED
