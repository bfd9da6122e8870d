"""`tetrad render ENV -o DIR`: what runs in Kubernetes, as plain manifests.

The objects are made by the repository's own infrastructure program, as `pulumi up` makes them.
"""

from __future__ import annotations

import subprocess
import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path

from tetrad.cli.repository_root import root_of
from tetrad.errors import ExitCode, UsageError

_PROGRAM = "infra/render.py"


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("environment", metavar="ENV", help="an environment of infra/environments")
    parser.add_argument(
        "-o", "--output", type=Path, required=True, metavar="DIR", help="where the manifests go"
    )


def run(args: Namespace) -> ExitCode:
    root = root_of(args)
    program = root / _PROGRAM
    if not program.is_file():
        raise UsageError(
            f"there is no {_PROGRAM}\n  help: copy infra/ of Tetrad's own repository into yours"
        )
    # A process of its own: the program's modules are those beside it, as under Pulumi.
    command = [sys.executable, str(program), str(root), args.environment, str(args.output)]
    code = subprocess.run(command, check=False).returncode
    if code not in set(ExitCode):
        raise UsageError(f"{_PROGRAM} ended with {code}")
    return ExitCode(code)
