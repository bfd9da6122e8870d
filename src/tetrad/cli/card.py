"""`tetrad card STACK`: a model and system card in Markdown."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from tetrad.cli.options import add_output
from tetrad.cli.output import write_to
from tetrad.cli.report import LAST
from tetrad.cli.repository_root import root_of
from tetrad.cli.subject import SUBJECT, subject_of
from tetrad.errors import ExitCode

if TYPE_CHECKING:
    from tetrad.results.gate_report import Report


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("subject", metavar="STACK|IDENTITY", help=SUBJECT)
    add_output(parser)


def run(args: Namespace) -> ExitCode:
    from tetrad.cli.materials import materials_of
    from tetrad.cli.recorded_decisions import recorded_decisions
    from tetrad.identity import identity_of
    from tetrad.inventory.past_decisions import decisions_in
    from tetrad.inventory.stack_card import render_card

    root = root_of(args)
    with subject_of(root, args.subject) as subject:
        materials, identity = materials_of(subject), identity_of(subject.stack)
    report = last_report(root)
    decisions = [
        *recorded_decisions(root, [identity])[identity],
        *(decisions_in(report, identity) if report is not None else ()),
    ]
    text = render_card(materials, decisions)
    write_to(args.output, text)
    return ExitCode.PASSED


def last_report(root: Path) -> Report | None:
    """The report that `tetrad gate` wrote last, where there is one that was not committed."""
    from tetrad import git, read_report

    path = root / LAST
    if not path.is_file():
        return None
    git.refuse_committed(root, path)
    return read_report(path)
