"""What a command signs with: a key from a variable of the environment or a file, or Sigstore."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from tetrad.errors import UsageError

if TYPE_CHECKING:
    from tetrad.ed25519 import PrivateKey
    from tetrad.evidence import Sealing
    from tetrad.model import Environment, Signer, SignerRole

VARIABLE = "TETRAD_SIGNING_KEY"


def add_key(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--key",
        metavar="env:NAME|file:PATH",
        help=f"the private key, in PEM (default: env:{VARIABLE})",
    )


def add_push(parser: argparse.ArgumentParser, what: str) -> None:
    parser.add_argument(
        "--push",
        action="store_true",
        help=f"push the {what} to the branch tetrad/evidence of the remote",
    )
    parser.add_argument(
        "--remote",
        default="origin",
        metavar="REMOTE",
        help="the remote to push to (default: origin)",
    )


def add_sigstore(parser: argparse.ArgumentParser, whom: str) -> None:
    parser.add_argument(
        "--sigstore",
        nargs="?",
        const="",
        metavar="CONFIG",
        help=f"sign with Sigstore as {whom} instead of with a key; CONFIG is a client trust config"
        " in JSON (default: the public instance)",
    )


@contextmanager
def sealing_of(args: argparse.Namespace, *, asks: bool = False) -> Iterator[Sealing]:
    """What signs, by the options; a person is asked to log in, where somebody `asks`."""
    from tetrad.attestation.keyless_signing import keyless_sealing
    from tetrad.evidence import with_key

    if args.sigstore is None:
        yield with_key(read_key(args.key))
    elif args.key is not None:
        raise UsageError("--key and --sigstore: sign with one of them")
    else:
        with keyless_sealing(Path(args.sigstore) if args.sigstore else None, asks=asks) as sealing:
            yield sealing


def signer_of(envelope: bytes, environment: Environment, role: SignerRole) -> Signer:
    """Who signed an envelope; UsageError where that does not count in the role in the environment."""
    from tetrad.evidence import open_envelope

    by_key = {signer.key: signer for signer in environment.signers.values()}
    opened = open_envelope(envelope)
    for key in opened.signed_by(by_key):
        return _counting(by_key[key], environment, role)
    if opened.bundle is None:
        raise _unknown_key(environment, role)
    from tetrad.evidence.keyless import certified_to

    identity, issuer = certified_to(opened.bundle)
    raise UsageError(
        f"{environment.location.file} names no signer {identity!a}, certified by {issuer!a}"
        f"\n  help: add it under signers: with role: {role} and sigstore: {{identity: …, issuer: …}}"
    )


def refuse_role(key: PrivateKey, environment: Environment, role: SignerRole) -> Signer:
    """Whose key it is; UsageError where it does not count in the role in the environment."""
    for signer in environment.signers.values():
        if signer.key == key.public:
            return _counting(signer, environment, role)
    raise _unknown_key(environment, role)


def _counting(signer: Signer, environment: Environment, role: SignerRole) -> Signer:
    from tetrad.evidence.signers import refusal_of

    if signer.role != role:
        raise UsageError(
            f"the key of {signer.name} has the role {signer.role} in {environment.name}"
            f"\n  help: sign with a key whose role is {role}"
        )
    refused = refusal_of(signer, role, datetime.now(UTC))
    if refused is not None:
        raise UsageError(
            f"{refused.message} (in {environment.name})"
            f"\n  help: `tetrad keys new NAME --role {role}` makes its successor"
        )
    return signer


def _unknown_key(environment: Environment, role: SignerRole) -> UsageError:
    return UsageError(
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
