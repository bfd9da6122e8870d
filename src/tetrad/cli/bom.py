"""`tetrad bom STACK`: what a stack is made of, as a CycloneDX bill of materials."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from tetrad.cli.output import write_file, write_out
from tetrad.cli.repository_root import root_of
from tetrad.cli.subject import SUBJECT, subject_of
from tetrad.errors import ExitCode


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("subject", metavar="STACK|IDENTITY", help=SUBJECT)
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        metavar="FILE",
        help="write a file instead of standard output",
    )


def run(args: Namespace) -> ExitCode:
    from tetrad.cli.materials import materials_of
    from tetrad.inventory.bill_of_materials import bill_of_materials
    from tetrad.text import json_escaped

    with subject_of(root_of(args), args.subject) as subject:
        text = json_escaped(bill_of_materials(materials_of(subject)))
    if args.output is None:
        write_out(text)
    else:
        write_file(args.output, text)
    return ExitCode.PASSED
