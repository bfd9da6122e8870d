"""`tetrad diff A B`: what differs between two identities, part by part."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from tetrad.cli.card import last_report
from tetrad.cli.options import add_format
from tetrad.cli.output import in_colour, write_out
from tetrad.cli.repository_root import root_of
from tetrad.cli.subject import SUBJECT, subject_of
from tetrad.errors import ExitCode

if TYPE_CHECKING:
    from tetrad.inventory.comparing import ComparedStack


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("before", metavar="A", help=SUBJECT)
    parser.add_argument("after", metavar="B", help="the same")
    add_format(parser, "text", "json")


def run(args: Namespace) -> ExitCode:
    from tetrad.cli.known_scores import known_scores
    from tetrad.identity import identity_of
    from tetrad.inventory.comparing import compare_stacks
    from tetrad.inventory.diff_formats import diff_as_json, render_diff

    root = root_of(args)
    before, after = _side(root, args.before), _side(root, args.after)
    identities = [identity_of(side.stack) for side in (before, after)]
    scores = known_scores(root, identities, last_report(root))
    diff = compare_stacks(before, after, scores)
    write_out(
        diff_as_json(diff) if args.format == "json" else render_diff(diff, colour=in_colour())
    )
    return ExitCode.PASSED


def _side(root: Path, written: str) -> ComparedStack:
    from tetrad.inventory.comparing import ComparedStack

    with subject_of(root, written) as subject:
        return ComparedStack(
            stack=subject.stack,
            snapshot=subject.snapshot(),
            commit=subject.commit,
            is_kept=subject.kept is not None,
        )
