"""`tetrad deploy ENV [STACK…]`: the merged state serves an environment."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from tetrad.cli.changing import (
    add_deployer_key,
    add_environment,
    add_no_wait,
    add_reason,
    deployer_of,
    settled,
)
from tetrad.cli.repository_root import root_of
from tetrad.errors import ExitCode


def add_arguments(parser: ArgumentParser) -> None:
    add_environment(parser)
    parser.add_argument(
        "stacks", nargs="*", metavar="STACK", help="stacks (default: all that serve there)"
    )
    add_no_wait(parser)
    add_reason(parser)
    add_deployer_key(parser)


def run(args: Namespace) -> ExitCode:
    from tetrad.deploy.deploying import deploy
    from tetrad.loading.environments import environment_named

    root = root_of(args)
    deployer = deployer_of(root, environment_named(root, args.environment), args.key)
    deployment = deploy(root, deployer, args.stacks, reason=args.reason)
    return settled(root, deployer, deployment, waits=not args.no_wait)
