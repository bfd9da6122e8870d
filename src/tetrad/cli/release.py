"""`tetrad release ENV STACK`: its identities are no longer withdrawn."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from tetrad.cli.changing import add_deployer_key, add_reason, deployer_of
from tetrad.cli.options import add_environment
from tetrad.cli.output import print_text
from tetrad.cli.repository_root import root_of
from tetrad.errors import ExitCode


def add_arguments(parser: ArgumentParser) -> None:
    add_environment(parser)
    parser.add_argument("stack", metavar="STACK", help="a stack with a withdrawn identity")
    add_reason(parser)
    add_deployer_key(parser)


def run(args: Namespace) -> ExitCode:
    from tetrad.deploy.deployer import opened_store
    from tetrad.deploy.rolling_back import release
    from tetrad.loading.environments import environment_named

    root = root_of(args)
    environment = environment_named(root, args.environment)
    deployer = deployer_of(root, environment, args.key)
    with opened_store(root, environment) as store:
        after = release(store, deployer, args.stack, reason=args.reason).after
    (ref,) = after.change.stacks
    print_text(
        f"{environment.name} {after.number}\n  {ref}: no identity is withdrawn any more;"
        f" `tetrad deploy {environment.name}` serves what is merged\n"
    )
    return ExitCode.PASSED
