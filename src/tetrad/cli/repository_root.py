"""Where the repository is that a command speaks of."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from tetrad.errors import UsageError
from tetrad.loading.root import find_root


def root_of(args: Namespace) -> Path:
    """The folder named by `--root`, or the repository that this folder is in.

    Raises UsageError where there is none.
    """
    if args.root is None:
        return find_root(Path.cwd())
    if not args.root.is_dir():
        raise UsageError(f"{args.root} is not a folder")
    return Path(args.root).resolve()
