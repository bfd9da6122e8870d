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
    from tetrad.deploy.deployer import Deployer


def add_arguments(parser: ArgumentParser) -> None:
    add_environment(parser)
    parser.add_argument(
        "stacks",
        nargs="*",
        metavar="STACK",
        help="stacks (default: all that serve the environment)",
    )
    how = parser.add_mutually_exclusive_group()
    how.add_argument(
        "--preview",
        action="store_true",
        help="show what would change, and change nothing",
    )
    add_no_apply(how)
    add_no_wait(parser)
    add_reason(parser)
    add_deployer_key(parser)


def run(args: Namespace) -> ExitCode:
    from tetrad.deploy.deploying import deploy
    from tetrad.loading.environments import environment_named

    root = root_of(args)
    environment = environment_named(root, args.environment)
    if args.no_apply and environment.cluster is None:
        raise UsageError(f"--no-apply is for target: kubernetes, and {environment.name} is local")
    deployer = deployer_of(root, environment, args.key)
    if args.preview:
        return _preview(root, deployer, args.stacks)
    how: Literal["check", "up"] = "check" if args.no_apply else "up"
    with provisioning(root, environment, how) as provision:
        deployment = deploy(root, deployer, args.stacks, reason=args.reason, provision=provision)
    return settled(root, deployer, deployment, waits=not args.no_wait)


def _preview(root: Path, deployer: Deployer, names: Sequence[str]) -> ExitCode:
    from tetrad.cli.changing import refused_lines
    from tetrad.cli.pointer_lines import changed_lines
    from tetrad.deploy.deploying import previewed

    with provisioning(root, deployer.environment, "preview") as provision:
        deployment = previewed(root, deployer, names, provision=provision)
    if deployment.refused:
        print_text("".join(f"{line}\n" for line in refused_lines(deployment)))
        return ExitCode.REFUSED
    after = deployment.after
    lines = [] if after is None else [*changed_lines(deployment.before, after)]
    print_text("".join(f"{line}\n" for line in ["traffic:", *(lines or ["  no changes"])]))
    return ExitCode.PASSED
