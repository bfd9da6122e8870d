"""`tetrad promote STACK --from A --to B`: what is live in A serves B."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from tetrad.cli.changing import add_deployer_key, add_no_wait, add_reason, deployer_of, settled
from tetrad.cli.providing import add_no_apply, provisioning
from tetrad.cli.repository_root import root_of
from tetrad.errors import ExitCode


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("stack", metavar="STACK", help="a stack that serves both environments")
    parser.add_argument(
        "--from",
        dest="origin",
        required=True,
        metavar="ENV",
        help="the environment where it is live",
    )
    parser.add_argument(
        "--to", required=True, metavar="ENV", help="the environment to deploy it to"
    )
    add_no_apply(parser)
    add_no_wait(parser)
    add_reason(parser)
    add_deployer_key(parser)


def run(args: Namespace) -> ExitCode:
    from tetrad.deploy.promoting import promote
    from tetrad.loading.environments import environment_named

    root = root_of(args)
    target, origin = environment_named(root, args.to), environment_named(root, args.origin)
    deployer = deployer_of(root, target, args.key)
    with provisioning(root, target, "check" if args.no_apply else "up") as provision:
        deployment = promote(
            root, deployer, args.stack, origin, reason=args.reason, provision=provision
        )
    return settled(root, deployer, deployment, waits=not args.no_wait)
