"""`tetrad verify STACK --env ENV`: may this identity serve there, and if not, why not."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

from tetrad.cli.options import add_env, add_format
from tetrad.cli.output import print_text, write_out
from tetrad.cli.repository_root import root_of
from tetrad.cli.subject import SUBJECT, subject_of
from tetrad.cli.verification_lines import lines_of
from tetrad.errors import ExitCode

if TYPE_CHECKING:
    from tetrad.admission import Question
    from tetrad.evidence import Verification


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("subject", metavar="STACK|IDENTITY", help=SUBJECT)
    add_env(parser)
    add_format(parser, "text", "json")


def run(args: Namespace) -> ExitCode:
    from tetrad.admission import question, verified
    from tetrad.loading.repositories import load_repository

    root = root_of(args)
    with subject_of(root, args.subject) as subject:
        asked = question(load_repository(root), subject.stack, args.env)
        found = verified(root, asked)
    if args.format == "json":
        write_out(_json(found, asked))
    else:
        print_text("".join(f"{line}\n" for line in lines_of(found, asked)))
    return ExitCode.PASSED if found.is_yes else ExitCode.REFUSED


def _json(found: Verification, asked: Question) -> str:
    from tetrad.identity import written_identity

    document = {
        "stack": asked.stack.ref,
        "identity": written_identity(found.identity),
        "environment": found.environment,
        "may_serve": found.is_yes,
        "proven": found.proven,
        "admitted": found.admitted,
        "withdrawn": found.withdrawn,
        "unmet": [{"clause": u.clause, "message": u.message} for u in found.unmet],
        "accepted": [str(digest) for digest in found.accepted],
        "set_aside": [
            {"envelope": str(a.envelope), "clause": a.clause, "message": a.message}
            for a in found.set_aside
        ],
    }
    return json.dumps(document, indent=2, ensure_ascii=True) + "\n"
