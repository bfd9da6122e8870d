"""`tetrad verify STACK --env ENV`: may this identity serve there, and if not, why not."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from tetrad.cli.options import add_format
from tetrad.cli.output import print_text, write_out
from tetrad.cli.repository_root import root_of
from tetrad.cli.subject import SUBJECT, subject_of
from tetrad.errors import ExitCode

if TYPE_CHECKING:
    from tetrad.evidence import Verification
    from tetrad.model import Environment, Repository, Stack


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("subject", metavar="STACK|IDENTITY", help=SUBJECT)
    add_environment(parser)
    add_format(parser, "text", "json")


def add_environment(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--env", required=True, metavar="ENV", help="an environment of infra/environments"
    )


def run(args: Namespace) -> ExitCode:
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


@dataclass(frozen=True, kw_only=True, slots=True)
class Question:
    """A stack, and the environment that it is to serve, by the files that are checked out."""

    repository: Repository
    stack: Stack
    environment: Environment


def question(repository: Repository, stack: Stack, environment: str) -> Question:
    """UsageError where there is no such environment."""
    from tetrad.loading.repositories import find

    ref = find(repository, environment, repository.environments)
    return Question(repository=repository, stack=stack, environment=repository.environments[ref])


def verified(root: Path, asked: Question) -> Verification:
    """The answer from the envelopes that there are here."""
    from tetrad.cli.kept_evidence import KeptEvidence
    from tetrad.evidence import expected_of, verify

    expected = expected_of(asked.repository, asked.stack, asked.environment)
    kept = KeptEvidence(root)
    now = datetime.now(UTC)
    return verify(
        expected,
        asked.environment,
        kept.about(expected.identity),
        now=now,
        authors=_authors(root, kept.admissions(), asked, now),
    )


def _authors(
    root: Path, admissions: tuple[bytes, ...], asked: Question, now: datetime
) -> frozenset[str]:
    """Whoever made a commit since the environment last admitted the stack; before the first time,
    whoever made one to the files of the stack.
    """
    from tetrad import git
    from tetrad.evidence.verify import admitted
    from tetrad.snapshots import take_snapshot

    rule = asked.environment.approvals
    if rule is None or not rule.not_author:
        return frozenset()
    for admission in admitted(asked.stack.ref, asked.environment, admissions, now=now):
        if git.is_known(root, admission.commit) and git.is_ancestor(root, admission.commit, "HEAD"):
            return git.authors(root, admission.commit, "HEAD")
    paths = take_snapshot(asked.repository.files, asked.stack.ref).files
    return git.authors(root, None, "HEAD", sorted(paths))


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
    # Statements of other types are for other readers.
    aside = [one for one in found.set_aside if one.clause != "predicate-type"]
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
