"""`tetrad schema KIND`: the JSON Schema of a kind, for editors and other tools."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from tetrad.cli.output import write_out
from tetrad.errors import ExitCode


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "kind", metavar="KIND", help="prompt, model, stack, … (an unknown one lists them)"
    )


def run(args: Namespace) -> ExitCode:
    from tetrad.schemas.check import schema_of, schema_text

    schema_of(args.kind)  # says which kinds there are where this is none
    write_out(schema_text(args.kind))
    return ExitCode.PASSED
