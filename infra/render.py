"""`tetrad render` runs this: write the objects of an environment as plain manifests."""

from __future__ import annotations

import sys
from pathlib import Path

import tetrad
from gathered import gather
from manifests import write_manifests


def main(root: str, environment: str, folder: str) -> int:
    try:
        count = write_manifests(gather(Path(root), environment), Path(folder))
    except tetrad.TetradError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    sys.stderr.write(f"{environment}: {count} objects in {folder}\n")
    return tetrad.ExitCode.PASSED


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
