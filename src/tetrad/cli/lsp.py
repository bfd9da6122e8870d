"""`tetrad lsp`: lint for editors, by the Language Server Protocol on standard input and output."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from importlib.util import find_spec

from tetrad.errors import ExitCode, MissingExtra


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--stdio",
        action="store_true",
        help="accepted for editors that pass it; standard input and output are always used",
    )


def run(args: Namespace) -> ExitCode:
    del args
    if find_spec("pygls") is None:
        raise MissingExtra("lsp", "`tetrad lsp`")
    from tetrad.cli.language_server import server

    server().start_io()
    return ExitCode.PASSED
