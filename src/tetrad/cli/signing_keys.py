"""The key that a command signs with, from a variable of the environment or a file."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

from tetrad.errors import UsageError

if TYPE_CHECKING:
    from tetrad.ed25519 import PrivateKey

VARIABLE = "TETRAD_SIGNING_KEY"


def add_key(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--key",
        default=f"env:{VARIABLE}",
        metavar="env:NAME|file:PATH",
        help=f"the private key, as PEM (default: env:{VARIABLE})",
    )


def read_key(written: str) -> PrivateKey:
    """The private key that an option names; UsageError where there is none."""
    from tetrad.ed25519 import NotAKey, PrivateKey

    kind, _, name = written.partition(":")
    if kind not in {"env", "file"} or not name:
        raise UsageError(f"--key {written}: write env:NAME or file:PATH")
    pem = _variable(name) if kind == "env" else _file(name)
    try:
        return PrivateKey.read(pem)
    except NotAKey as error:
        raise UsageError(
            f"--key {written}: {error}\n  help: `tetrad keys new NAME` makes a key"
        ) from error


def _variable(name: str) -> bytes:
    if name not in os.environ:
        raise UsageError(
            f"--key env:{name}: {name} is not set"
            "\n  help: set it to the text of the private key, or name a file: --key file:PATH"
        )
    return os.environ[name].encode()


def _file(name: str) -> bytes:
    try:
        return Path(name).read_bytes()
    except OSError as error:
        raise UsageError(f"--key file:{name}: {error.strerror}") from error
