"""`tetrad monitor ENV`: whether live answers have drifted from the golden sets, for a cron job."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from tetrad.cli.opened_registry import existing_registry
from tetrad.cli.options import add_format, add_offline, add_output
from tetrad.cli.output import print_text, write_file, write_out
from tetrad.cli.repository_root import root_of
from tetrad.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from tetrad.evals import Session
    from tetrad.learning.drift import StackDrift
    from tetrad.learning.monitoring import Monitored
    from tetrad.model import Repository, Stack
    from tetrad.traffic import KeptAnswer

_EXITS = {
    "fine": ExitCode.PASSED,
    "drift": ExitCode.REFUSED,
    "too little data": ExitCode.INCONCLUSIVE,
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("environment", metavar="ENV", help="an environment")
    parser.add_argument(
        "--stack",
        action="append",
        default=[],
        metavar="STACK",
        help="a stack (repeatable; default: all with kept answers)",
    )
    parser.add_argument(
        "--days", type=_days, default=7, metavar="N", help="answers of the last N days (default: 7)"
    )
    parser.add_argument(
        "--rubric",
        metavar="TEXT",
        help="also score every answer by this rubric, with each suite's judge",
    )
    parser.add_argument(
        "--toxicity",
        action="store_true",
        help="also ask a suite's judge which answers are toxic, one call per answer",
    )
    add_offline(parser)
    add_format(parser, "text", "json", "html")
    add_output(parser)


def _days(written: str) -> int:
    if not written.isdecimal() or not 1 <= int(written) <= 3650:
        raise argparse.ArgumentTypeError("must be 1 to 3650")
    return int(written)


def run(args: argparse.Namespace) -> ExitCode:
    from tetrad.cli.progress_display import progress_bars
    from tetrad.evals import interrupts, open_session
    from tetrad.loading.repositories import find, load_repository

    root = root_of(args)
    repository = load_repository(root)
    environment = _environment(repository, args.environment)
    wanted = [find(repository, name, repository.stacks) for name in args.stack]
    kept = _kept(root, environment, args.days)
    refs = wanted or sorted(kept.keys() & repository.stacks.keys())
    if not refs:
        sys.stderr.write(
            f"no answers of {environment} kept in {args.days} days\n"
            "  help: a stack keeps some by `serving: {sample: 0.02}`\n"
        )
        return ExitCode.INCONCLUSIVE
    asked = [_asked(repository, repository.stacks[ref], kept.get(ref, ()), args) for ref in refs]
    with open_session(root, offline=args.offline, engine=None, progress=progress_bars()) as session:
        found = interrupts.run(_found(session, asked))
    _write(args, found, environment)
    decisions = [one.decision for one in found]
    worst = next((one for one in ("drift", "too little data") if one in decisions), "fine")
    return _EXITS[worst]


def _environment(repository: Repository, name: str) -> str:
    """The name under which gateways keep answers of an environment."""
    from tetrad.loading.repositories import find

    if not repository.environments:
        raise UsageError("no environments\n  help: write infra/environments/NAME.yaml")
    return find(repository, name, repository.environments).rsplit("/", 1)[-1]


def _kept(root: Path, environment: str, days: int) -> dict[str, list[KeptAnswer]]:
    """The sample of an environment, by the stacks' references."""
    from tetrad.traffic.traffic_store import Traffic

    since = datetime.now(UTC) - timedelta(days=days)
    found: dict[str, list[KeptAnswer]] = {}
    with Traffic.open(existing_registry(root)) as traffic:
        for one in traffic.answers(environment=environment, since=since, sampled=True):
            found.setdefault(one.stack, []).append(one)
    return found


def _asked(
    repository: Repository, stack: Stack, kept: Sequence[KeptAnswer], args: argparse.Namespace
) -> Monitored:
    from tetrad.learning.monitoring import Monitored

    return Monitored(
        stack=stack,
        suites=tuple(repository.suites_by_stack.get(stack.ref, ())),
        kept=kept,
        files=repository.files,
        rubric=args.rubric,
        toxicity=args.toxicity,
    )


async def _found(session: Session, asked: Sequence[Monitored]) -> list[StackDrift]:
    from tetrad.learning.monitoring import monitor

    try:
        return [await monitor(session, one) for one in asked]
    finally:
        await session.aclose()


def _write(args: argparse.Namespace, found: Sequence[StackDrift], environment: str) -> None:
    from tetrad.learning.drift_text import as_document, as_text
    from tetrad.text import json_escaped

    if args.format == "html":
        from tetrad.learning.drift_page import as_page

        text = as_page(found, environment, args.days)
    elif args.format == "json":
        document = as_document(found, environment, args.days)
        text = json_escaped(json.dumps(document, indent=2, ensure_ascii=False, default=dict)) + "\n"
    else:
        text = as_text(found, environment, args.days)
    if args.output is not None:
        write_file(args.output, text)
    elif args.format == "text":
        print_text(text)
    else:
        write_out(text)
