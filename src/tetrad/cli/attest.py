"""`tetrad attest`: check reports against their commit, and sign what they say."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from tetrad.cli.ci_job import ci_job
from tetrad.cli.output import print_text
from tetrad.cli.report import LAST
from tetrad.cli.repository_root import root_of
from tetrad.cli.signing_keys import add_key, add_push, add_sigstore, sealing_of
from tetrad.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from tetrad.attestation import Attested, ReportedCommit, SignedReport
    from tetrad.canonical import Digest
    from tetrad.loading.files import Tree
    from tetrad.snapshots import Snapshot

_LARGEST = 256_000_000  # bytes of a report, which is held in memory many times over


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "reports",
        nargs="*",
        metavar="REPORT",
        type=Path,
        help=f"reports of `tetrad gate` for the checked-out commit (default: {LAST.as_posix()})",
    )
    add_key(parser)
    add_sigstore(parser, "the current CI job")
    parser.add_argument(
        "--base",
        metavar="REF",
        help="reject reports whose base is not the merge base of HEAD and this branch, tag or commit",
    )
    add_push(parser, "evidence")


def run(args: argparse.Namespace) -> ExitCode:
    from tetrad.admission import KeptEvidence
    from tetrad.attestation import Signing, attest

    root = root_of(args)
    reports = [_report(root, path) for path in args.reports or [root / LAST]]
    with ExitStack() as opened:
        sealing = opened.enter_context(sealing_of(args))
        kept = opened.enter_context(KeptEvidence(root))
        change = _change(root, reports, args.base, opened)
        snapshots = _snapshots(change, reports)
        _refuse_secrets(snapshots.values())
        identities = {s.identity for signed in reports for s in signed.report.stacks}
        signing = Signing(
            sealing=sealing,
            now=datetime.now(UTC),
            earlier={identity: kept.about(identity) for identity in identities},
            ledger=kept.head(),
            job=ci_job(os.environ),
        )
        attested = attest(reports, change, signing)
        for one in attested:
            snapshot = snapshots[one.stack]
            kept.keep("evidence", one.stack, one.identity, one.envelopes, snapshot=snapshot)
        if args.push and attested:
            signed: dict[Digest, tuple[bytes, ...]] = {}
            for one in attested:  # two stacks can have one identity
                signed[one.identity] = (*signed.get(one.identity, ()), *one.envelopes)
            kept.push(args.remote, "evidence", signed)
    print_text("".join(_lines(attested)))
    return _exit(attested)


def _report(root: Path, path: Path) -> SignedReport:
    from tetrad import git
    from tetrad.attestation import SignedReport

    git.refuse_committed(root, path)
    try:
        size = path.stat().st_size
        if size > _LARGEST:
            raise UsageError(
                f"{path} has {size:,} bytes, and a report that is attested at most {_LARGEST:,}"
                "\n  help: gate fewer stacks at a time, and attest all of the reports together"
            )
        data = path.read_bytes()
    except OSError as error:
        raise UsageError(
            f"{path} cannot be read: {error.strerror}\n  help: `tetrad gate` writes a report"
        ) from error
    return SignedReport.read(data, origin=str(path))


def _change(
    root: Path, reports: Sequence[SignedReport], base: str | None, open_trees: ExitStack
) -> ReportedCommit:
    """The commit that is checked out, and the base that all reports name."""
    from tetrad import git
    from tetrad.attestation import ReportedCommit
    from tetrad.evidence.statements import Commit
    from tetrad.loading.repositories import load_base, read_tree, sound

    bases = {signed.report.base for signed in reports}
    if len(bases) > 1:
        raise UsageError("the reports have different bases\n  help: attest them separately")
    (before,) = bases
    head = git.head(root)
    if base is not None and before != git.merge_base(root, base):
        raise UsageError(
            f"the reports compare with {before or 'nothing'}, not with the merge base of HEAD and {base}"
            f"\n  help: tetrad gate --base {base}"
        )
    if before is not None and not git.is_ancestor(root, before, head):
        raise UsageError(f"the base {before[:12]} is not part of the history of HEAD")
    return ReportedCommit(
        head=sound(read_tree(_tree(root, head, open_trees))),
        commit=Commit(head=head, tree=git.tree_of(root, head), base=before),
        base=None if before is None else load_base(_tree(root, before, open_trees)),
    )


def _tree(root: Path, commit: str, open_trees: ExitStack) -> Tree:
    from tetrad import git
    from tetrad.loading.files import Tree

    folder = open_trees.enter_context(TemporaryDirectory(prefix="tetrad-commit-"))
    return Tree(open_trees.enter_context(closing(git.CommitTree(root, commit, Path(folder)))))


def _snapshots(change: ReportedCommit, reports: Sequence[SignedReport]) -> Mapping[str, Snapshot]:
    """The snapshots of the stacks that were evaluated, by their references."""
    from tetrad.snapshots import take_snapshot

    stacks = {s.stack for signed in reports for s in signed.report.stacks if s.suites}
    known = sorted(stacks & change.head.stacks.keys())
    return {ref: take_snapshot(change.head.files, ref) for ref in known}


def _refuse_secrets(snapshots: Iterable[Snapshot]) -> None:
    """What is signed is kept and shown: a key in it would be, too."""
    from tetrad.attestation import Disagreement
    from tetrad.runtime.credentials import credentials_in

    for snapshot in snapshots:
        for path, data in snapshot.files.items():
            text = data.decode("utf-8", "replace")
            for found in credentials_in(text):
                line = text.count("\n", 0, found.start) + 1
                raise Disagreement(
                    f"{path}:{line}: {found.what} ({found.shown})"
                    "\n  help: revoke it, and name an environment variable instead"
                )


def _lines(attested: Sequence[Attested]) -> Iterator[str]:
    from tetrad.identity import short

    if not attested:
        yield "no stack was evaluated: nothing to attest\n"
    for one in attested:
        name = one.stack.removeprefix("stacks/")
        yield f"{name} ({short(one.identity)}): {one.verdict}, {len(one.envelopes)} envelopes signed\n"
        for environment, suites in one.incomplete.items():
            yield (
                f"  no summary for {environment}: no evidence of {', '.join(suites)}\n"
                f"  help: tetrad gate --unproven --env {environment}\n"
            )


def _exit(attested: Sequence[Attested]) -> ExitCode:
    is_good = all(one.verdict == "PASSED" and not one.incomplete for one in attested)
    if not is_good:
        sys.stderr.write("not every identity passed with complete evidence\n")
    return ExitCode.PASSED if is_good else ExitCode.REFUSED
