"""`tetrad report`: render the last gate's report, or another one, in any format."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tetrad.cli.root import root_of
from tetrad.errors import ExitCode, UsageError

HELP = "render a report that `tetrad gate` wrote: for a terminal, a pull request, CI, a browser"
FORMATS = ("text", "json", "junit", "markdown", "html")
LAST = Path(".tetrad") / "report.json"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "file",
        nargs="?",
        type=Path,
        help=f"a report as JSON (default: {LAST.as_posix()}, the last one)",
    )
    parser.add_argument("--format", choices=FORMATS, default="text", help="default: text")
    parser.add_argument(
        "--output", type=Path, metavar="FILE", help="write it there (default: standard output)"
    )


def run(args: argparse.Namespace) -> ExitCode:
    from tetrad.report import load_report, render

    path = args.file or root_of(args) / LAST
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            f"{path} cannot be read: {error}\n  help: `tetrad gate` writes one"
        ) from error
    rendered = render(load_report(text, origin=str(path)), args.format)
    if args.output is None:
        sys.stdout.write(rendered)
    else:
        args.output.write_text(rendered, encoding="utf-8")
    return ExitCode.PASSED
