"""`tetrad bom STACK`: what a stack is made of, as a CycloneDX bill of materials."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from tetrad.cli.options import add_output
from tetrad.cli.output import write_to
from tetrad.cli.repository_root import root_of
from tetrad.cli.subject import SUBJECT, subject_of
from tetrad.errors import ExitCode


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("subject", metavar="STACK|IDENTITY", help=SUBJECT)
    add_output(parser)


def run(args: Namespace) -> ExitCode:
    from tetrad.cli.materials import materials_of
    from tetrad.inventory.bill_of_materials import bill_of_materials
    from tetrad.text import json_escaped

    with subject_of(root_of(args), args.subject) as subject:
        text = json_escaped(bill_of_materials(materials_of(subject)))
    write_to(args.output, text)
    return ExitCode.PASSED
