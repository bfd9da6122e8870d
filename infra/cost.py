"""`tetrad cost` runs this: what an environment's model servers cost per month, as JSON."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import tetrad
from gathered import unverified
from outline import outline
from scripts import ended


def told(root: Path, name: str) -> dict[str, Any]:
    """The servers of the merged state and those that the pointer keeps; `kept`: these alone."""
    repository = tetrad.load_repository(root)
    environment = tetrad.environment_of(repository, name)
    merged, all_of_them = (
        outline(unverified(root, repository, environment, kept=kept))["servers"]
        for kept in (False, True)
    )
    names = {server["name"] for server in merged}
    cluster = environment.cluster
    return {
        "servers": [{**server, "kept": server["name"] not in names} for server in all_of_them],
        "usd_per_hour": dict(cluster.usd_per_hour) if cluster is not None else {},
    }


def main(root: str, environment: str) -> None:
    sys.stdout.write(json.dumps(told(Path(root), environment)))


if __name__ == "__main__":
    sys.exit(ended(main))
