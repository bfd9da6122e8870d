"""`tetrad admit STACK --env ENV`: record, once, that an environment takes an identity."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from tetrad.cli.options import add_env
from tetrad.cli.output import print_text
from tetrad.cli.repository_root import root_of
from tetrad.cli.signing_keys import add_key, add_push, read_key, refuse_role
from tetrad.cli.verification_lines import lines_of
from tetrad.errors import ExitCode


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("stack", metavar="STACK", help="a stack of the checked-out commit")
    add_env(parser)
    add_key(parser)
    add_push(parser, "admission")


def run(args: Namespace) -> ExitCode:
    from tetrad.admission import KeptEvidence, question, verified
    from tetrad.admission.admitting import admit
    from tetrad.deploy.merged_state import merged_state
    from tetrad.identity import short
    from tetrad.loading.repositories import find
    from tetrad.snapshots import take_snapshot

    root, key = root_of(args), read_key(args.key)
    with merged_state(root) as state:
        repository = state.repository
        stack = repository.stacks[find(repository, args.stack, repository.stacks)]
        asked = question(repository, stack, args.env)
        refuse_role(key, asked.environment, "deployer")
        found = verified(root, asked)
        name = f"{stack.name} ({short(found.identity)})"
        if not found.is_yes:
            print_text("".join(f"{line}\n" for line in lines_of(found, asked)))
            return ExitCode.REFUSED
        if found.admitted:
            print_text(f"{name} was admitted to {found.environment} before\n")
            return ExitCode.PASSED
        snapshot = take_snapshot(repository.files, stack.ref)
    with KeptEvidence(root) as kept:
        envelope = admit(kept, stack, found, commit=state.commit, key=key, snapshot=snapshot)
        if args.push:
            kept.push(args.remote, "admission", {found.identity: [envelope]})
    print_text(f"{found.environment} admits {name}\n")
    return ExitCode.PASSED
