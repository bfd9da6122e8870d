"""Where the repository is that a command speaks of."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from tetrad.errors import UsageError

# A folder with one of these is a repository of our shape.
MARKS = ("stacks", "prompts", "evals", "tetrad.toml")


def root_of(args: Namespace) -> Path:
    """The folder named by `--root`, or the nearest one at or above this folder that looks like one.

    Raises UsageError where there is none.
    """
    if args.root is not None:
        if not args.root.is_dir():
            raise UsageError(f"{args.root} is not a folder")
        return Path(args.root).resolve()
    here = Path.cwd()
    for folder in (here, *here.parents):
        if any((folder / mark).exists() for mark in MARKS):
            return folder
        if (folder / ".git").exists():
            break
    raise UsageError(
        f"{here} is not in a repository of tetrad's shape (no stacks/, prompts/ or evals/ here or above)\n"
        "  help: run `tetrad init` to lay one down, or name it with `tetrad -C DIR …`"
    )
