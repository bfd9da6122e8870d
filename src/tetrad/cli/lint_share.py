"""`python -m tetrad.cli.lint_share`: a share of the lint of a large repository.

`tetrad lint` starts it: what to look at comes as JSON on standard input, what was found goes to
standard output.
"""

from __future__ import annotations

import json
import os
import sys
from datetime import date
from pathlib import Path
from typing import Any


def looked_at(order: bytes) -> bytes:
    """What is found in a share; nothing where not all of it loads."""
    from tetrad.cli.linting import known_of
    from tetrad.loading.checked import Checked, Content
    from tetrad.loading.files import Tree
    from tetrad.loading.garbage import collecting_later
    from tetrad.trees import WorkingTree

    said: dict[str, Any] = json.loads(order)
    root = Path(said["root"])
    checked = Checked(Content(Tree(WorkingTree(root, remembers=True))), "")
    with collecting_later():
        known = known_of(
            root, checked, said["select"], said["ignore"], date.fromisoformat(said["today"])
        )
        looked = known.look(said["share"])
    return b"" if looked is None else looked.dumped()


def main() -> None:
    # What takes a while to import is, before there is anything to do.
    import tetrad.lint
    import tetrad.lint.known  # noqa: F401

    order = sys.stdin.buffer.read()
    if order:
        sys.stdout.buffer.write(looked_at(order))
        sys.stdout.flush()
    os._exit(0)  # what was loaded need not be taken apart


if __name__ == "__main__":
    main()
