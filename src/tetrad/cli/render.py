"""`tetrad render ENV -o DIR`: what runs in Kubernetes, as plain manifests.

The objects are made by the repository's own infrastructure program, as `pulumi up` makes them.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from tetrad.cli.infra_program import run_script
from tetrad.cli.options import add_environment
from tetrad.cli.repository_root import root_of
from tetrad.errors import ExitCode


def add_arguments(parser: ArgumentParser) -> None:
    add_environment(parser)
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        required=True,
        metavar="DIR",
        help="the folder to write the manifests to",
    )


def run(args: Namespace) -> ExitCode:
    root = root_of(args)
    return run_script(root, "render.py", str(root), args.environment, str(args.output))
