"""`tetrad bundle STACK`: everything an identity needs to answer again, as one OCI artifact."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from tetrad.cli.output import print_text
from tetrad.cli.repository_root import root_of
from tetrad.cli.subject import SUBJECT, subject_of
from tetrad.errors import ExitCode, UsageError
from tetrad.writing import make_folder, replace_file


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("subject", metavar="STACK|IDENTITY", help=SUBJECT)
    parser.add_argument(
        "-o", "--output", type=Path, metavar="FILE", help="write an OCI image layout as a tar file"
    )
    parser.add_argument(
        "--push",
        metavar="oci://HOST/REPOSITORY[:TAG]",
        help="push to an OCI registry, with Docker's stored login",
    )


def run(args: Namespace) -> ExitCode:
    from tetrad.cli.snapshot_lines import lines_of_snapshot, row
    from tetrad.snapshots.bundle import bundle_of
    from tetrad.snapshots.layout import write_layout
    from tetrad.snapshots.moving import push

    with subject_of(root_of(args), args.subject) as subject:
        snapshot = subject.snapshot()
    bundle = bundle_of(snapshot)
    lines = lines_of_snapshot(snapshot)
    if args.output is not None:
        _write(args.output, write_layout(bundle))
        lines += [row("manifest", str(bundle.digest)), row("wrote", str(args.output))]
    if args.push is not None:
        lines.append(row("pushed", str(push(bundle, args.push))))
    print_text("".join(f"{line}\n" for line in lines))
    return ExitCode.PASSED


def _write(path: Path, data: bytes) -> None:
    try:
        make_folder(path.parent)
        replace_file(path, data)
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}") from error
