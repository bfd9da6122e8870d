"""`tetrad feedback`: what users said of answers, and candidate cases of it."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING

from tetrad.cli.dates import date
from tetrad.cli.opened_registry import existing_registry
from tetrad.cli.options import add_format
from tetrad.cli.output import print_text, write_out
from tetrad.cli.repository_root import root_of
from tetrad.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from tetrad.model import Suite
    from tetrad.traffic import Feedback, KeptAnswer
    from tetrad.traffic.traffic_store import Traffic


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    listed = actions.add_parser("list", help="show feedback with the answers that it is about")
    listed.add_argument("environment", nargs="?", metavar="ENV", help="an environment")
    listed.add_argument("--stack", metavar="STACK", help="only of this stack")
    _add_filters(listed)
    add_format(listed, "text", "json")
    cases = actions.add_parser("to-cases", help="commit candidate cases to a branch, for review")
    cases.add_argument("suite", metavar="SUITE", help="the suite whose golden set takes the cases")
    cases.add_argument("ids", nargs="*", metavar="ID", help="feedback, as `list` shows it")
    cases.add_argument("--branch", metavar="NAME", help="the branch (default: feedback/SUITE)")
    _add_filters(cases)
    erase = actions.add_parser("erase", help="erase answers and feedback for good")
    erase.add_argument("traces", nargs="*", metavar="TRACE", help="ids of traces")
    erase.add_argument("--before", type=date, metavar="DATE", help="everything before this date")


def _add_filters(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rating", choices=("good", "bad"), help="only with this rating")
    parser.add_argument(
        "--since", type=date, metavar="DATE", help="2026-11-30, or a time by RFC 3339"
    )


def run(args: argparse.Namespace) -> ExitCode:
    root = root_of(args)
    if args.action == "list":
        return _list(root, args)
    if args.action == "to-cases":
        return _to_cases(root, args)
    return _erase(root, args)


@contextmanager
def _opened(root: Path) -> Iterator[Traffic]:
    from tetrad.traffic.traffic_store import Traffic

    with Traffic.open(existing_registry(root)) as traffic:
        yield traffic


def _chosen(traffic: Traffic, args: argparse.Namespace) -> Sequence[Feedback]:
    return [
        said for said in traffic.feedback(since=args.since) if args.rating in {None, said.rating}
    ]


def _answers(traffic: Traffic, chosen: Sequence[Feedback]) -> dict[str, KeptAnswer]:
    ids = sorted({said.answer for said in chosen})
    return {kept.id: kept for kept in traffic.answers(ids=ids)}


# -- list


def _list(root: Path, args: argparse.Namespace) -> ExitCode:
    from tetrad.text import pluralize

    with _opened(root) as traffic:
        chosen = [said for said in _chosen(traffic, args) if _is_wanted(said, args)]
        answers = _answers(traffic, chosen)
    if args.format == "json":
        documents = [_document(said, answers.get(said.answer)) for said in chosen]
        write_out(json.dumps(documents, indent=2, ensure_ascii=True, default=dict) + "\n")
    else:
        print_text("".join(_text(said, answers.get(said.answer)) for said in chosen))
        sys.stderr.write(f"{pluralize(len(chosen), 'rating')}\n")
    return ExitCode.PASSED


def _is_wanted(said: Feedback, args: argparse.Namespace) -> bool:
    named = args.stack in {None, said.stack, said.stack.rsplit("/", 1)[-1]}
    return named and args.environment in {None, said.environment}


def _text(said: Feedback, kept: KeptAnswer | None) -> str:
    from tetrad.identity import short
    from tetrad.text import one_line

    at = said.at.astimezone(UTC).strftime("%Y-%m-%d %H:%M")
    who = f"{one_line(said.stack)} ({short(said.identity)}) in {one_line(said.environment)}"
    lines = [f"{said.id}  {at}  {said.rating:4}  {who}"]
    if kept is None:
        lines.append("  answer   not kept, or erased")
    else:
        lines += [f"  {name}: {one_line(str(text))}" for name, text in kept.answer.vars.items()]
        lines.append(f"  answer   {one_line(kept.answer.output)}")
    if said.correction is not None:
        lines.append(f"  correct  {one_line(said.correction)}")
    if said.comment:
        lines.append(f"  comment  {one_line(said.comment)}")
    return "".join(f"{line}\n" for line in lines)


def _document(said: Feedback, kept: KeptAnswer | None) -> dict[str, object]:
    from tetrad.identity import written_identity

    return {
        "id": said.id,
        "at": said.at.isoformat(),
        "trace": said.trace,
        "environment": said.environment,
        "stack": said.stack,
        "identity": written_identity(said.identity),
        "rating": said.rating,
        "comment": said.comment,
        "correction": said.correction,
        "tenant": said.tenant,
        "vars": None if kept is None else dict(kept.answer.vars),
        "answer": None if kept is None else kept.answer.output,
    }


# -- to-cases


def _to_cases(root: Path, args: argparse.Namespace) -> ExitCode:
    from tetrad.git import SideBranch
    from tetrad.learning.proposing import propose
    from tetrad.text import pluralize

    suite = _suite(root, args.suite)
    branch = SideBranch(root, args.branch or f"feedback/{suite.name}")
    with _opened(root) as traffic:
        chosen = _named(_chosen(traffic, args), args.ids)
        answers = _answers(traffic, chosen)
    proposal = propose(root, branch, suite.ref, chosen, answers)
    for one in proposal.skipped:
        sys.stderr.write(f"{one.feedback}: no case: {one.reason}\n")
    if proposal.commit is None:
        sys.stderr.write("no new cases\n")
        return ExitCode.PASSED
    print_text("".join(f"{one.id}  {one.feedback}\n" for one in proposal.made))
    sys.stderr.write(
        f"{pluralize(len(proposal.made), 'case')} on the branch {branch.name}"
        f" ({proposal.commit[:12]})\n"
        f"help: git switch {branch.name}; check what each case expects, then `tetrad lock` and"
        " `tetrad gate`\n"
    )
    return ExitCode.PASSED


def _suite(root: Path, name: str) -> Suite:
    from tetrad.loading.repositories import find, load_named

    repository = load_named(root, [name], ("suite",))
    return repository.suites[find(repository, name, repository.suites)]


def _named(chosen: Sequence[Feedback], ids: Sequence[str]) -> Sequence[Feedback]:
    if not ids:
        return chosen
    known = {said.id: said for said in chosen}
    for unknown in (name for name in ids if name not in known):
        raise UsageError(f"unknown feedback {unknown}\n  help: `tetrad feedback list` shows it")
    return [known[name] for name in dict.fromkeys(ids)]


# -- erase


def _erase(root: Path, args: argparse.Namespace) -> ExitCode:
    from tetrad.text import pluralize

    if not args.traces and args.before is None:
        raise UsageError(
            "nothing to erase: neither a trace nor --before is given\n  help: name traces, or --before DATE"
        )
    with _opened(root) as traffic:
        answers, feedback = traffic.erase(traces=args.traces or None, before=args.before)
    sys.stderr.write(f"{pluralize(answers, 'answer')} and {pluralize(feedback, 'rating')} erased\n")
    return ExitCode.PASSED
