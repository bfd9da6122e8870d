"""`tetrad unbundle FILE`: verify a bundle, and unpack it into a repository of its own."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from tetrad.cli.output import print_text
from tetrad.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from tetrad.snapshots.bundle import Bundle


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

    snapshot = snapshot_of(_brought(args.source), args.source)
    check_snapshot(snapshot, args.source)
    lines = [*lines_of_snapshot(snapshot), row("verified", "every digest, and the identity")]
    if args.output is not None:
        unpack(snapshot, args.output)
        lines.append(row("unpacked", str(args.output)))
    print_text("".join(f"{line}\n" for line in lines))
    return ExitCode.PASSED


def _brought(source: str) -> Bundle:
    from tetrad.snapshots.layout import read_layout
    from tetrad.snapshots.snapshot import MAX_BYTES

    if source.startswith("oci://"):
        from tetrad.snapshots.moving import pull

        return pull(source)
    path = Path(source)
    try:
        size = path.stat().st_size
        if size > 2 * MAX_BYTES:
            raise UsageError(f"{source} has {size:,} bytes, too many for a bundle")
        return read_layout(path.read_bytes(), source)
    except OSError as error:
        raise UsageError(f"{source} cannot be read: {error.strerror}") from error
