"""`tetrad deploy ENV [STACK…]`: the merged state serves an environment."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from tetrad.cli.changing import (
    add_deployer_key,
    add_no_wait,
    add_reason,
    deployer_of,
    settled,
)
from tetrad.cli.options import add_environment
from tetrad.cli.output import print_text
from tetrad.cli.providing import add_no_apply, provisioning
from tetrad.cli.repository_root import root_of
from tetrad.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from tetrad.model import Environment


def add_arguments(parser: ArgumentParser) -> None:
    add_environment(parser)
    parser.add_argument(
        "stacks",
        nargs="*",
        metavar="STACK",
        help="stacks (default: all that serve the environment)",
    )
    parser.add_argument(
        "--preview",
        action="store_true",
        help="show what would change, and change nothing; with --no-apply, by the cluster alone,"
        " without Pulumi",
    )
    add_no_apply(parser)
    add_no_wait(parser)
    add_reason(parser)
    add_deployer_key(parser)


def run(args: Namespace) -> ExitCode:
    from tetrad.deploy.deploying import deploy
    from tetrad.loading.environments import environment_named

    root = root_of(args)
    environment = environment_named(root, args.environment)
    if args.preview:
        return _preview(root, environment, args.stacks, asks_pulumi=not args.no_apply)
    if args.no_apply and environment.cluster is None:
        raise UsageError(f"--no-apply is for target: kubernetes, and {environment.name} is local")
    deployer = deployer_of(root, environment, args.key)
    how: Literal["check", "up"] = "check" if args.no_apply else "up"
    with provisioning(root, environment, how) as provision:
        deployment = deploy(root, deployer, args.stacks, reason=args.reason, provision=provision)
    return settled(root, deployer, deployment, waits=not args.no_wait)


def _preview(
    root: Path, environment: Environment, names: Sequence[str], *, asks_pulumi: bool
) -> ExitCode:
    """It signs nothing, and so asks for no key."""
    from tetrad.cli.changing import refused_lines
    from tetrad.cli.pointer_lines import changed_lines
    from tetrad.deploy.deployer import Deployer
    from tetrad.deploy.deploying import previewed

    deployer = Deployer(environment=environment, name="")
    with provisioning(root, environment, "preview" if asks_pulumi else "compare") as provision:
        deployment = previewed(root, deployer, names, provision=provision)
    if deployment.refused:
        print_text("".join(f"{line}\n" for line in refused_lines(deployment)))
        return ExitCode.REFUSED
    after = deployment.after
    lines = [] if after is None else [*changed_lines(deployment.before, after)]
    print_text("".join(f"{line}\n" for line in ["traffic:", *(lines or ["  no changes"])]))
    return ExitCode.PASSED
