"""`tetrad registry`: check, export and erase what happened."""

from __future__ import annotations

import argparse
import base64
import json
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from tetrad.cli.dates import date
from tetrad.cli.opened_registry import existing_registry
from tetrad.cli.output import print_text, write_out
from tetrad.cli.repository_root import root_of
from tetrad.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from tetrad.canonical import Digest
    from tetrad.registry import Entry, Head
    from tetrad.registry.ledger import Ledger

_BATCH = 200  # lines written at once
_TOO_DAMAGED = "too much to say which entries; restore a backup (docs/registry.md says how)"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    verify = actions.add_parser("verify", help="recompute the chain and show where it breaks")
    verify.add_argument(
        "--head",
        action="append",
        default=[],
        type=_head,
        metavar="NUMBER:DIGEST",
        help="an entry that is known from elsewhere, as `verify` printed it; repeat it for several",
    )
    export = actions.add_parser("export", help="print all entries as JSON lines")
    export.add_argument(
        "--since", type=date, metavar="DATE", help="2026-11-30, or a time by RFC 3339"
    )
    erase = actions.add_parser(
        "erase", help="erase contents for good; the ledger keeps that they existed"
    )
    erase.add_argument(
        "what",
        nargs="+",
        metavar="DIGEST",
        help="tetrad:… of an identity, or sha256:… of a content",
    )
    erase.add_argument("--reason", default="", metavar="TEXT", help="noted in the ledger")


def run(args: argparse.Namespace) -> ExitCode:
    root = root_of(args)
    if_damaged = _TOO_DAMAGED if args.action == "verify" else None
    with _opened(root, if_damaged) as ledger:
        if args.action == "verify":
            return _verify(root, ledger, args.head)
        if args.action == "export":
            return _export(ledger, args.since)
        return _erase(root, ledger, args.what, args.reason)


@contextmanager
def _opened(root: Path, if_damaged: str | None) -> Iterator[Ledger]:
    from tetrad.registry import open_ledger

    with open_ledger(existing_registry(root), if_damaged=if_damaged) as ledger:
        yield ledger


def _verify(root: Path, ledger: Ledger, heads: Sequence[Head]) -> ExitCode:
    from tetrad.text import pluralize

    signed, foreign = _signed_heads(root, ledger)
    faults = ledger.verify([*heads, *signed])
    if faults:
        told = [f"  {fault.message}\n" for fault in faults]
        print_text(f"{ledger.name}: {pluralize(len(faults), 'fault')}\n{''.join(told)}")
        sys.stderr.write("help: restore a backup; docs/registry.md says how\n")
        return ExitCode.REFUSED
    head = ledger.head()
    if head is None:
        print_text(f"{ledger.name}: no entries\n")
    else:
        entries = "1 entry" if head.number == 1 else f"{head.number:,} entries"
        print_text(f"{ledger.name}: {entries}, intact\nhead {head.number}:{head.digest}\n")
    if foreign:
        last = max(foreign, key=lambda head: head.number)
        print_text(
            f"{pluralize(len(foreign), 'signed head')} of registries with another first entry,"
            f" the last {last.number}:{last.digest}\n"
        )
    return ExitCode.PASSED


def _signed_heads(root: Path, ledger: Ledger) -> tuple[Sequence[Head], Sequence[Head]]:
    """The heads that evidence was signed with: those of this ledger, and those of others."""
    from tetrad.admission import KeptEvidence
    from tetrad.registry import Head

    first = ledger.first_digest
    own: list[Head] = []
    foreign: list[Head] = []
    with KeptEvidence(root) as kept:
        for head in kept.signed_heads():
            of = own if str(head.first) == first else foreign
            of.append(Head(head.number, head.digest))
    return own, foreign


def _export(ledger: Ledger, since: datetime | None) -> ExitCode:
    lines: list[str] = []
    for entry in ledger.entries(since=since):
        lines.append(_line(entry, ledger.content(entry.content)))
        if len(lines) == _BATCH:
            write_out("".join(lines))
            lines.clear()
    write_out("".join(lines))
    return ExitCode.PASSED


def _line(entry: Entry, content: bytes | None) -> str:
    from tetrad.text import json_escaped

    document = {**entry.document(), "digest": str(entry.digest), **_said(content)}
    return json_escaped(json.dumps(document, ensure_ascii=False)) + "\n"


def _said(content: bytes | None) -> dict[str, object]:
    """The content as a text whose UTF-8 bytes have its digest, or in base64."""
    if content is None:
        return {"erased": True}
    try:
        return {"text": content.decode()}
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(content).decode()}


def _erase(root: Path, ledger: Ledger, named: Sequence[str], reason: str) -> ExitCode:
    from tetrad.text import pluralize

    wanted = [digest for name in named for digest in _named(ledger, name)]
    _refuse_loaded(root, ledger, wanted)
    erased = ledger.erase(wanted, reason=reason)
    if not erased:
        raise UsageError("nothing to erase: no such content, or it was erased before")
    print_text("".join(f"{digest}\n" for digest in erased))
    sys.stderr.write(f"{pluralize(len(erased), 'content')} erased\n")
    return ExitCode.PASSED


def _refuse_loaded(root: Path, ledger: Ledger, wanted: Sequence[Digest]) -> None:
    """What a gateway loads when it starts stays while a pointer names it."""
    from tetrad.identity import short
    from tetrad.loading.files import Tree
    from tetrad.loading.repositories import environments_of, read_repository
    from tetrad.pointer import Deployers
    from tetrad.pointer.loaded_contents import loaded_contents
    from tetrad.trees import WorkingTree

    files = environments_of(Tree(WorkingTree(root)))
    environments = read_repository(root, files).repository.environments.values()
    known = {environment.name: Deployers.of(environment) for environment in environments}
    loaded = loaded_contents(existing_registry(root), ledger, known)
    for digest in wanted:
        if (needed := loaded.get(digest)) is not None:
            raise UsageError(
                f"{digest} is needed: {needed.stack} ({short(needed.identity)}) is {needed.role}"
                f" in {needed.environment}"
                "\n  help: deploy another identity there first; `retain:` says how many stay warm"
            )


def _named(ledger: Ledger, name: str) -> Sequence[Digest]:
    """A content, or those of an identity but what was signed about it."""
    from tetrad.canonical import Digest
    from tetrad.identity import read_identity
    from tetrad.registry import SIGNED

    try:
        if not name.startswith("tetrad:"):
            return [Digest.parse(name)]
        identity = read_identity(name)
    except ValueError:
        raise UsageError(
            f"{name!r} is not a digest\n"
            "  help: tetrad: or sha256: and 64 lower-case hexadecimal digits, as `export` prints them"
        ) from None
    return [e.content for e in ledger.entries(identity=identity) if e.kind not in SIGNED]


def _head(written: str) -> Head:
    from tetrad.canonical import Digest
    from tetrad.registry import Head

    matched = re.fullmatch(r"([1-9][0-9]{0,17}):(sha256:[0-9a-f]{64})", written)
    if matched is None:
        raise argparse.ArgumentTypeError(f"{written!r} is not a head like 12:sha256:…")
    return Head(int(matched[1]), Digest.parse(matched[2]))
