"""The key that a command signs with, from a variable of the environment or a file."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

from tetrad.errors import UsageError

if TYPE_CHECKING:
    from tetrad.ed25519 import PrivateKey
    from tetrad.model import Environment, Signer, SignerRole

VARIABLE = "TETRAD_SIGNING_KEY"


def add_key(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--key",
        metavar="env:NAME|file:PATH",
        help=f"the private key, as PEM (default: env:{VARIABLE})",
    )


def add_push(parser: argparse.ArgumentParser, what: str) -> None:
    parser.add_argument(
        "--push",
        action="store_true",
        help=f"push the {what} to the branch tetrad/evidence of the remote",
    )
    parser.add_argument(
        "--remote", default="origin", metavar="REMOTE", help="where --push goes (default: origin)"
    )


def refuse_role(key: PrivateKey, environment: Environment, role: SignerRole) -> Signer:
    """Whose key it is; UsageError where it does not have the role in the environment."""
    for signer in environment.signers.values():
        if signer.key == key.public:
            if signer.role == role:
                return signer
            raise UsageError(
                f"the key of {signer.name} has the role {signer.role} in {environment.name}"
                f"\n  help: sign with a key whose role is {role}"
            )
    raise UsageError(
        f"{environment.location.file} names no signer with this key"
        f"\n  help: add it under signers: with role: {role} (`tetrad keys new NAME --role {role}`)"
    )


def read_key(named: str | None) -> PrivateKey:
    """The private key that an option names, or the default; UsageError where there is none."""
    from tetrad.ed25519 import NotAKey, PrivateKey

    written = named or f"env:{VARIABLE}"
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
