"""`tetrad log STACK`: its identities over time, with what changed, scores and evidence."""

from __future__ import annotations

import json
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tetrad.canonical import Digest
from tetrad.cli.options import add_format
from tetrad.cli.output import print_text, write_out
from tetrad.cli.repository_root import root_of
from tetrad.errors import ExitCode, SpecError

if TYPE_CHECKING:
    from tetrad.cli.served_where import ServedChange
    from tetrad.cli.signed_statements import SignedStatement
    from tetrad.git import Version
    from tetrad.identity.lock import Lock
    from tetrad.inventory.past_decisions import PastDecision
    from tetrad.model import Repository

_PARTS = ("prompt", "model", "corpus", "tools", "settings")


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("stack", metavar="STACK", help="a stack")
    add_max_count(parser, "identities")
    add_format(parser, "text", "json")


def add_max_count(parser: ArgumentParser, what: str) -> None:
    parser.add_argument(
        "-n", "--max-count", type=_count, metavar="N", help=f"show at most the last N {what}"
    )


def _count(written: str) -> int:
    if not written.isdecimal() or int(written) < 1:
        raise ArgumentTypeError("must be 1 or more")
    return int(written)


@dataclass(frozen=True, kw_only=True, slots=True)
class Logged:
    """An identity from the commit that brought it on."""

    stack: str  # reference
    version: Version
    identity: Digest
    changed: tuple[str, ...]
    said: tuple[SignedStatement, ...] = ()
    decided: PastDecision | None = None  # by the last gate, as the ledger has it
    moved: tuple[ServedChange, ...] = ()  # where it served


def run(args: Namespace) -> ExitCode:
    from tetrad import git
    from tetrad.identity.lock import path_of
    from tetrad.loading.repositories import find

    root = root_of(args)
    repository = _loaded(root, args.stack)
    stack = repository.stacks[find(repository, args.stack, repository.stacks)]
    locks = _locks(git.history_of(root, path_of(stack)))
    logged = list(_identities(stack.ref, locks))[-(args.max_count or 0) :]
    logged.reverse()
    entries = _with_what_happened(logged, root, repository, stack.ref)
    if args.format == "json":
        write_out(json.dumps([_document(entry) for entry in entries], indent=2) + "\n")
    else:
        print_text("".join(f"{line}\n" for line in _lines(entries)) or _none(stack.name))
    return ExitCode.PASSED


def _loaded(root: Path, name: str) -> Repository:
    """The stack that is named, with all environments; everything where none is."""
    from tetrad.loading.files import Tree
    from tetrad.loading.reach import files_of
    from tetrad.loading.repositories import environments_of, read_tree, sound
    from tetrad.trees import WorkingTree

    tree = Tree(WorkingTree(root))
    named = files_of(tree, [name], ("stack",))
    return sound(read_tree(tree, named and [*named, *environments_of(tree)]))


def _none(name: str) -> str:
    return f"no identity of {name} is committed\n  help: run `tetrad lock`, and commit the lock\n"


def _locks(versions: Sequence[Version]) -> Iterator[tuple[Version, Lock]]:
    """The locks of a stack, the oldest first; those with conflict marks in them are left out."""
    from tetrad.identity.lock import load_lock

    for version in versions:
        try:
            yield version, load_lock(version.data.decode(), version.path)
        except (SpecError, UnicodeDecodeError):
            continue


def _identities(stack: str, locks: Iterator[tuple[Version, Lock]]) -> Iterator[Logged]:
    before: Lock | None = None
    for version, lock in locks:
        if before is None or lock.identity != before.identity:
            changed = _changed(before, lock)
            yield Logged(stack=stack, version=version, identity=lock.identity, changed=changed)
        before = lock


def _changed(before: Lock | None, lock: Lock) -> tuple[str, ...]:
    if before is None:
        return ()
    parts = [part for part in _PARTS if getattr(before, part) != getattr(lock, part)]
    return tuple(parts) or ("runtime",)


def _with_what_happened(
    logged: Sequence[Logged], root: Path, repository: Repository, stack: str
) -> Sequence[Logged]:
    """The identities with what was signed and decided about them, and where they served."""
    from tetrad.admission import KeptEvidence
    from tetrad.cli.recorded_decisions import recorded_decisions
    from tetrad.cli.served_where import served_where
    from tetrad.cli.signed_statements import statements_about
    from tetrad.inventory.past_decisions import latest

    identities = dict.fromkeys(one.identity for one in logged)
    with KeptEvidence(root) as kept:
        envelopes = kept.about_each(identities)
    decisions = recorded_decisions(root, identities)
    environments = repository.environments.values()
    said = {
        identity: statements_about(envelopes[identity], identity, environments)
        for identity in identities
    }
    moved = served_where(root, environments, stack)
    return [
        replace(
            one,
            said=said[one.identity],
            decided=latest(decisions[one.identity]),
            moved=tuple(moved.get(one.identity, ())),
        )
        for one in logged
    ]


def _lines(entries: Sequence[Logged]) -> Iterator[str]:
    from tetrad.cli.signed_statements import line_of
    from tetrad.identity import short

    for entry in entries:
        changed = ", ".join(entry.changed) or "new"
        version = entry.version
        yield f"{short(entry.identity)}  {version.date[:10]}  {version.commit[:7]}  {changed}"
        yield f"  {version.author}: {version.subject}"
        if entry.decided is not None and not any(_is_evaluation(said) for said in entry.said):
            yield f"  {entry.decided.at[:10]}  gate: {_told(entry.decided)}"
        for said in entry.said:
            by = ", ".join(said.signers) or "unknown key"
            yield f"  {said.moment:%Y-%m-%d}  {by}: {line_of(said, entry.stack)}"
        for moved in entry.moved:
            by = f"{moved.by}: " if moved.by else ""
            why = f" ({moved.reason})" if moved.reason else ""
            change = f"{moved.environment} {moved.number}, {moved.kind}"
            yield f"  {moved.at:%Y-%m-%d}  {by}{change}: {moved.what}{why}"


def _is_evaluation(said: SignedStatement) -> bool:
    """Whether its line says what a gate decided."""
    from tetrad.evidence.statements import Evaluation

    return isinstance(said.predicate, Evaluation)


def _told(decided: PastDecision) -> str:
    from tetrad.cli.signed_statements import scores_of

    notes = [
        *(["preview"] if decided.preview else []),
        *(["uncommitted files"] if decided.dirty else []),
    ]
    noted = f" ({', '.join(notes)})" if notes else ""
    return f"{decided.decision}: {scores_of(decided.suites)}{noted}"


def _document(entry: Logged) -> Any:
    from tetrad.identity import written_identity

    return {
        "identity": written_identity(entry.identity),
        "commit": entry.version.commit,
        "date": entry.version.date,
        "author": entry.version.author,
        "subject": entry.version.subject,
        "changed": list(entry.changed),
        "decision": None if entry.decided is None else _decision(entry.decided),
        "evidence": [
            {
                "envelope": str(said.digest),
                "signers": list(said.signers),
                "statement": json.loads(said.payload),
            }
            for said in entry.said
        ],
        "served": [
            {**asdict(moved), "at": moved.at.isoformat(timespec="seconds")} for moved in entry.moved
        ],
    }


def _decision(decided: PastDecision) -> Any:
    from tetrad.results.codec import Codec

    return {"decision": decided.decision, **Codec().dump(decided)}
