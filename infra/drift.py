"""`tetrad drift` runs this: how the cluster differs from the merged state, as JSON. Nothing is written."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from drifted import drifted

import tetrad
from gathered import gather
from live import Live
from objects.everything import object_groups
from objects.kubernetes import Place
from outline import object_name


def main(root: str, environment: str) -> int:
    try:
        desired = gather(Path(root), environment, refuses=False)
        wanted = {
            object_name(obj): obj for group in object_groups(desired).values() for obj in group
        }
        there = Live(desired.cluster).objects(wanted.values())
        found = drifted(wanted, there, Place.of(desired.environment, desired.cluster))
        told = [
            {
                "object": one.object,
                "drift": one.drift,
                "fields": [
                    {"path": f.path, "merged": f.before, "live": f.after} for f in one.fields
                ],
            }
            for one in found
        ]
    except tetrad.TetradError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    sys.stdout.write(json.dumps(told))
    return tetrad.ExitCode.PASSED


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
