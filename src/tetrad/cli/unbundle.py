"""`tetrad unbundle FILE`: verify a bundle, and unpack it into a repository of its own."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from tetrad.cli.bundles import bundle_at
from tetrad.cli.output import print_text
from tetrad.errors import ExitCode


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "source",
        metavar="FILE|oci://HOST/REPOSITORY@DIGEST",
        help="what `tetrad bundle` wrote or pushed; a tag may stand for the digest",
    )
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        metavar="DIR",
        help="unpack into this new or empty folder (default: verify only)",
    )


def run(args: Namespace) -> ExitCode:
    from tetrad.cli.snapshot_lines import lines_of_snapshot, row
    from tetrad.snapshots import check_snapshot, unpack
    from tetrad.snapshots.bundle import snapshot_of

    snapshot = snapshot_of(bundle_at(args.source), args.source)
    check_snapshot(snapshot, args.source)
    lines = [*lines_of_snapshot(snapshot), row("verified", "every digest, and the identity")]
    if args.output is not None:
        unpack(snapshot, args.output)
        lines.append(row("unpacked", str(args.output)))
    print_text("".join(f"{line}\n" for line in lines))
    return ExitCode.PASSED
