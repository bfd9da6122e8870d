"""`tetrad approve IDENTITY --env ENV`: a reviewer signs that it may serve there."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from datetime import UTC, datetime

from tetrad.cli.output import print_text
from tetrad.cli.repository_root import root_of
from tetrad.cli.signing_keys import add_key, add_push, read_key, refuse_role
from tetrad.cli.subject import SUBJECT, subject_of
from tetrad.cli.verify import add_environment
from tetrad.errors import ExitCode


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("subject", metavar="STACK|IDENTITY", help=SUBJECT)
    add_environment(parser)
    add_key(parser)
    add_push(parser, "approval")


def run(args: Namespace) -> ExitCode:
    from tetrad.admission import KeptEvidence, question
    from tetrad.evidence import sign, with_key
    from tetrad.evidence.statements import Approval
    from tetrad.identity import identity_of, short
    from tetrad.loading.repositories import load_repository

    root, key = root_of(args), read_key(args.key)
    with subject_of(root, args.subject) as subject:
        stack = subject.stack
        environment = question(load_repository(root), stack, args.env).environment
    signer = refuse_role(key, environment, "approver")
    identity = identity_of(stack)
    approval = Approval(
        stack=stack.ref, environment=environment.name, approved_on=datetime.now(UTC)
    )
    envelope = sign(approval, identity=identity, name=stack.name, sealing=with_key(key))
    with KeptEvidence(root) as kept:
        kept.keep("approval", stack.ref, identity, [envelope], environment=environment.name)
        if args.push:
            kept.push(args.remote, "approval", {identity: [envelope]})
    print_text(f"{signer.name} approved {stack.name} ({short(identity)}) for {environment.name}\n")
    return ExitCode.PASSED
