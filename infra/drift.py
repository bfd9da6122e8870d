"""`tetrad drift` runs this: how the cluster differs from the merged state, as JSON. Nothing is written."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from access import given_access
from drifted import EXCLUSIVE, drifted
from gathered import gather
from live import Live
from objects.everything import objects_by_name
from objects.kubernetes import Place
from scripts import ended


def main(root: str, environment: str) -> None:
    desired = gather(Path(root), environment, refuses=False)
    wanted = {
        **given_access(Path(root), desired.cluster.namespace),
        **objects_by_name(desired),
    }
    there = Live(desired.cluster).objects(wanted.values(), EXCLUSIVE)
    found = drifted(wanted, there, Place.of(desired.environment, desired.cluster))
    told = [
        {
            "object": one.object,
            "drift": one.drift,
            "fields": [{"path": f.path, "merged": f.before, "live": f.after} for f in one.fields],
        }
        for one in found
    ]
    sys.stdout.write(json.dumps(told))


if __name__ == "__main__":
    sys.exit(ended(main))
