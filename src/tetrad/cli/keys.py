"""`tetrad keys new NAME`, `tetrad keys client TENANT`: keys, and the lines that make them count."""

from __future__ import annotations

import os
import re
import secrets
from argparse import ArgumentParser, Namespace
from datetime import UTC, date, datetime
from pathlib import Path

from tetrad.cli.output import print_text
from tetrad.cli.repository_root import root_of
from tetrad.errors import ExitCode, UsageError

FOLDER = "infra/keys"
CLIENT_KEY = "tetrad_"  # what API keys begin with, so that scanners know one
_ROLES = ("evaluator", "approver", "deployer")
_USES = {
    "evaluator": "store its text as the secret TETRAD_SIGNING_KEY of the CI job that runs `tetrad attest`,"
    "\n  and of no job that runs code of a change",
    "approver": "keep it on your own machine: `tetrad approve --key file:{private}`",
    "deployer": "store its text as the secret TETRAD_SIGNING_KEY of the job that deploys",
}


def add_arguments(parser: ArgumentParser) -> None:
    actions = parser.add_subparsers(title="actions", dest="action", metavar="ACTION", required=True)
    new = actions.add_parser("new", help="create a key pair", description="Create a key pair.")
    new.add_argument("name", metavar="NAME", help="of the person or the job, as in environments")
    new.add_argument(
        "--role", choices=_ROLES, default=_ROLES[0], help="what it signs as (default: evaluator)"
    )
    new.add_argument(
        "--private",
        type=Path,
        metavar="FILE",
        help="where the private half goes (default: in your configuration folder)",
    )
    client = actions.add_parser(
        "client",
        help="create an API key for a client",
        description="Create an API key for a client of the gateway. It is shown once.",
    )
    client.add_argument("tenant", metavar="TENANT", help="as in the environment's clients:")


def run(args: Namespace) -> ExitCode:
    if args.action == "client":
        print_text(_client_text(args.tenant))
        return ExitCode.PASSED
    return _new_pair(args)


def _client_text(tenant: str) -> str:
    from tetrad.canonical import digest_bytes

    _refuse_name("clients", tenant, "a tenant")
    key = CLIENT_KEY + secrets.token_hex(32)
    return f"""\
key  {key} (shown this once: send it to the client, never commit it)

Add its digest to each environment that takes it. While it replaces another, list both:

clients:
  {tenant}: {{keys: ["{digest_bytes(key.encode())}"]}}
"""


def _refuse_name(key: str, name: str, what: str) -> None:
    """A name is one that environments take."""
    from tetrad.schemas.check import schema_of

    names = schema_of("environment")["properties"][key]["propertyNames"]
    if re.fullmatch(names["pattern"], name) is None:
        raise UsageError(f"{name!r} cannot be {what}\n  help: {names['description']}")


def _new_pair(args: Namespace) -> ExitCode:
    from tetrad.ed25519 import PrivateKey, public_pem
    from tetrad.writing import make_folder, replace_file

    root = root_of(args)
    _refuse_name("signers", args.name, "the name of a key")
    public = root / FOLDER / f"{args.name}.pub"
    private = (args.private or _usual_place(args.name)).absolute()
    _refuse(root, public, private)
    key = PrivateKey.generate()
    _write_private(private, key.pem())
    make_folder(public.parent)
    replace_file(public, public_pem(key.public))
    print_text(_text(args.name, args.role, public.relative_to(root), private, root))
    return ExitCode.PASSED


def _usual_place(name: str) -> Path:
    from platformdirs import user_config_path

    return user_config_path("tetrad") / "keys" / f"{name}.pem"


def _refuse(root: Path, public: Path, private: Path) -> None:
    from tetrad.places import checkout_above, refuse_links

    top = checkout_above(root) or root
    if private.resolve().is_relative_to(top.resolve()):
        raise UsageError(
            f"{private} is in the repository, where a private key must never be"
            "\n  help: name a file outside of it with --private"
        )
    refuse_links(public)
    for file in (public, private):
        if file.exists():
            raise UsageError(
                f"{file} exists already\n  help: choose another name, or remove the old pair first"
            )


def _write_private(path: Path, pem: bytes) -> None:
    """Readable by nobody else from its first moment."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}") from error
    with os.fdopen(handle, "wb") as stream:
        stream.write(pem)


def _text(name: str, role: str, public: Path, private: Path, root: Path) -> str:
    today = datetime.now(UTC).date()
    use = _USES[role].format(private=private)
    return f"""\
public half   {public.as_posix()} (commit it)
private half  {private} (never commit it, print it or send it)

Add it to each environment that trusts it, in a change that the file's code owners approve:

signers:
  {name}: {{{", ".join(_fields(role, public, today, root))}}}

The private half: {use}.
"""


def _fields(role: str, public: Path, today: date, root: Path) -> list[str]:
    last = _a_year_later(today)
    found = [f"ed25519: {public.as_posix()}", f"role: {role}", f"valid: [{today}, {last}]"]
    if role == "approver":
        from tetrad import git

        email = git.user_email(root) or "you@example.com"
        found += ["teams: [platform]", f"authors: [{email}]"]
    return found


def _a_year_later(day: date) -> date:
    return (
        day.replace(year=day.year + 1)
        if (day.month, day.day) != (2, 29)
        else date(day.year + 1, 3, 1)
    )
