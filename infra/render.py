"""`tetrad render` runs this: write the objects of an environment as plain manifests."""

from __future__ import annotations

import sys
from pathlib import Path

from gathered import gather
from manifests import write_manifests
from objects.everything import objects_by_name
from policy_pack.checking import refuse_violations
from scripts import ended


def main(root: str, environment: str, folder: str) -> None:
    desired = gather(Path(root), environment)
    refuse_violations(list(objects_by_name(desired).values()))
    count = write_manifests(desired, Path(folder))
    sys.stderr.write(f"{environment}: {count} objects in {folder}\n")


if __name__ == "__main__":
    sys.exit(ended(main))
