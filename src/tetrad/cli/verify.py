"""`tetrad verify STACK --env ENV`: may this identity serve there, and if not, why not."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from typing import TYPE_CHECKING

from tetrad.cli.options import add_format
from tetrad.cli.output import print_text, write_out
from tetrad.cli.repository_root import root_of
from tetrad.cli.subject import SUBJECT, subject_of
from tetrad.errors import ExitCode

if TYPE_CHECKING:
    from tetrad.admission import Question
    from tetrad.evidence import Verification


# Statements of other types are for other readers, and those on other environments for these.
_NOT_MEANT = frozenset({"predicate-type", "environment"})


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("subject", metavar="STACK|IDENTITY", help=SUBJECT)
    add_environment(parser)
    add_format(parser, "text", "json")


def add_environment(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--env", required=True, metavar="ENV", help="an environment of infra/environments"
    )


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


def lines_of(found: Verification, asked: Question) -> Iterator[str]:
    """The answer for people: every clause that is not met, and what was set aside."""
    from tetrad.identity import short

    name = f"{asked.stack.name} ({short(found.identity)})"
    may = "may serve" if found.is_yes else "may not serve"
    yield f"{name} {may} {found.environment}"
    if found.is_yes and not found.proven:
        yield "  it was admitted before; on evidence alone, not met today:"
    for unmet in found.unmet:
        yield f"  {unmet.clause:<12}{unmet.message}"
    yield from _help(found, asked)
    aside = [] if found.is_yes else [a for a in found.set_aside if a.clause not in _NOT_MEANT]
    if aside:
        yield "  set aside:"
    for one in aside:
        yield f"    {one.envelope.hex[:12]}  {one.clause}: {one.message}"


def _help(found: Verification, asked: Question) -> Iterator[str]:
    where = f"--env {found.environment}"
    unmet = {one.clause for one in found.unmet}
    if unmet & {"evidence", "complete"}:
        yield f"  help: tetrad gate --unproven {where}, then tetrad attest"
    if "approvals" in unmet:
        yield f"  help: tetrad approve {asked.stack.name} {where}"


def _json(found: Verification, asked: Question) -> str:
    from tetrad.identity import written_identity

    document = {
        "stack": asked.stack.ref,
        "identity": written_identity(found.identity),
        "environment": found.environment,
        "may_serve": found.is_yes,
        "proven": found.proven,
        "admitted": found.admitted,
        "unmet": [{"clause": u.clause, "message": u.message} for u in found.unmet],
        "accepted": [str(digest) for digest in found.accepted],
        "set_aside": [
            {"envelope": str(a.envelope), "clause": a.clause, "message": a.message}
            for a in found.set_aside
        ],
    }
    return json.dumps(document, indent=2, ensure_ascii=True) + "\n"
