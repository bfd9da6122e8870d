"""The command line: a table of subcommands, one file each, and one boundary for errors.

A command prints data on standard output and talk on standard error, and returns an `ExitCode`.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Protocol, cast

from tetrad import __version__
from tetrad.cli.bug import report_bug
from tetrad.errors import ExitCode, TetradError


class Command(Protocol):
    """What a file of this folder offers."""

    HELP: str

    def add_arguments(self, parser: argparse.ArgumentParser) -> None: ...
    def run(self, args: argparse.Namespace) -> ExitCode: ...


# In the order in which a newcomer meets them.
COMMANDS: Mapping[str, str] = {
    "init": "init",
    "lint": "lint",
    "explain": "explain",
    "plan": "plan",
    "try": "try_",
    "eval": "eval",
    "gate": "gate",
    "report": "report",
    "show": "show",
    "lock": "lock",
    "pull": "pull",
    "pin": "pin",
    "schema": "schema",
}

DESCRIPTION = """\
Prompt, model, corpus and tools in one repository, under one identity, evaluated before every merge.
"""
EPILOG = """\
exit codes: 0 passed; 1 refused (findings, failed gate); 2 misuse, or a file that does not load;
3 inconclusive (an engine or a service failed); 4 a bug of ours.
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    args = build_parser(arguments).parse_args(arguments)
    command = _command(args.command)
    try:
        return command.run(args)
    except TetradError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    except KeyboardInterrupt:
        sys.stderr.write(
            "interrupted; what was answered is kept, the next run goes on from there\n"
        )
        return 130
    except BrokenPipeError:
        # The reader went away; Python's own flush at exit would complain once more.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.PASSED
    except Exception as error:  # noqa: BLE001 - the boundary: a bug of ours becomes a report
        return report_bug(error, arguments)


def build_parser(arguments: Sequence[str] = ()) -> argparse.ArgumentParser:
    """The parser; only the command that is asked for loads its own arguments, so start-up stays short."""
    parser = argparse.ArgumentParser(
        prog="tetrad",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"tetrad {__version__}")
    parser.add_argument(
        "-C",
        "--root",
        type=Path,
        metavar="DIR",
        help="the repository (default: the nearest one above this folder)",
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    wanted = [name for name in COMMANDS if name in arguments]
    for name in COMMANDS:
        command = _command(name)
        sub = commands.add_parser(
            name,
            help=command.HELP,
            description=command.HELP[0].upper() + command.HELP[1:] + ".",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        if not wanted or name in wanted:
            command.add_arguments(sub)
    return parser


def _command(name: str) -> Command:
    return cast("Command", import_module(f"tetrad.cli.{COMMANDS[name]}"))
