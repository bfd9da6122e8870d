"""`tetrad approve IDENTITY --env ENV`: a reviewer signs that it may serve there."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from datetime import UTC, datetime

from tetrad.cli.options import add_env
from tetrad.cli.output import print_text
from tetrad.cli.repository_root import root_of
from tetrad.cli.signing_keys import add_key, add_push, add_sigstore, sealing_of, signer_of
from tetrad.cli.subject import SUBJECT, subject_of
from tetrad.errors import ExitCode


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("subject", metavar="STACK|IDENTITY", help=SUBJECT)
    add_env(parser)
    add_key(parser)
    add_sigstore(parser, "the person who logs in with the browser")
    add_push(parser, "approval")


def run(args: Namespace) -> ExitCode:
    from tetrad.admission import KeptEvidence, question
    from tetrad.evidence import sign
    from tetrad.evidence.statements import Approval
    from tetrad.identity import identity_of, short
    from tetrad.loading.repositories import load_repository

    root = root_of(args)
    with subject_of(root, args.subject) as subject:
        stack = subject.stack
        environment = question(load_repository(root), stack, args.env).environment
    identity = identity_of(stack)
    with sealing_of(args, asks=True) as sealing:
        approval = Approval(
            stack=stack.ref, environment=environment.name, approved_on=datetime.now(UTC)
        )
        envelope = sign(approval, identity=identity, name=stack.name, sealing=sealing)
    signer = signer_of(envelope, environment, "approver")
    with KeptEvidence(root) as kept:
        kept.keep("approval", stack.ref, identity, [envelope], environment=environment.name)
        if args.push:
            kept.push(args.remote, "approval", {identity: [envelope]})
    print_text(f"{signer.name} approved {stack.name} ({short(identity)}) for {environment.name}\n")
    return ExitCode.PASSED
