"""`tetrad evidence show`: what was signed about an identity, and the exact bytes behind a digest."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tetrad.cli.options import add_format
from tetrad.cli.output import print_text, write_out
from tetrad.cli.repository_root import root_of
from tetrad.cli.subject import SUBJECT, subject_of
from tetrad.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from tetrad.cli.signed_statements import SignedStatement


def add_arguments(parser: ArgumentParser) -> None:
    actions = parser.add_subparsers(title="actions", dest="action", metavar="ACTION", required=True)
    show = actions.add_parser(
        "show",
        help="list the statements about an identity, or print the content with a digest",
        description="List the statements about an identity, or print the content with a digest.",
    )
    show.add_argument(
        "subject",
        metavar="STACK|IDENTITY|sha256:DIGEST",
        help=f"{SUBJECT}; or the digest of an envelope, a snapshot, one of its files or any other"
        " content of the registry, whose exact bytes are printed",
    )
    add_format(show, "text", "json")


def run(args: Namespace) -> ExitCode:
    from tetrad.admission import KeptEvidence
    from tetrad.cli.signed_statements import statements_about
    from tetrad.identity import identity_of, short
    from tetrad.loading.files import Tree
    from tetrad.loading.repositories import environments_of, load_repository
    from tetrad.trees import WorkingTree

    root = root_of(args)
    if args.subject.startswith("sha256:"):
        return _print_content(root, args.subject)
    with subject_of(root, args.subject) as subject:
        stack, identity = subject.stack, identity_of(subject.stack)
    with KeptEvidence(root) as kept:
        envelopes = kept.about(identity)
    repository = load_repository(root, environments_of(Tree(WorkingTree(root))))
    said = statements_about(envelopes, identity, repository.environments.values())
    if args.format == "json":
        write_out(json.dumps([_document(one) for one in said], indent=2) + "\n")
    else:
        lines = [f"{stack.name} ({short(identity)})", *_lines(said, stack.ref)]
        print_text("".join(f"{line}\n" for line in lines))
    return ExitCode.PASSED


def _print_content(root: Path, written: str) -> ExitCode:
    from tetrad.admission import KeptEvidence
    from tetrad.canonical import Digest

    try:
        digest = Digest.parse(written)
    except ValueError as error:
        raise UsageError(str(error)) from error
    with KeptEvidence(root) as kept:
        data = kept.content(digest)
        erased = kept.erasure_of(digest) if data is None else None
    if erased is not None:
        raise UsageError(f"{written} was {erased.why}")
    if data is None:
        raise UsageError(
            f"no content has the digest {written}"
            "\n  help: git fetch origin tetrad/evidence:refs/remotes/origin/tetrad/evidence"
        )
    sys.stdout.buffer.write(data)
    return ExitCode.PASSED


def _lines(said: Sequence[SignedStatement], stack: str) -> Iterator[str]:
    from tetrad.cli.signed_statements import line_of

    if not said:
        yield "  no evidence"
    for one in said:
        by = ", ".join(one.signers) or "unknown key"
        yield f"  {one.moment:%Y-%m-%d %H:%M}  {one.digest.hex[:12]}  {by:<10}  {line_of(one, stack)}"


def _document(one: SignedStatement) -> Any:
    return {
        "envelope": str(one.digest),
        "signers": list(one.signers),
        "statement": json.loads(one.payload),
    }
