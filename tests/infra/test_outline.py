"""What a plan compares: objects in a few words, whatever lies in snapshots."""

from __future__ import annotations

import json
from pathlib import Path

from clusters import SMALL, ask, clustered, desired_of

from outline import outline


def test_what_snapshots_hold_is_told_by_a_digest(tmp_path: Path) -> None:
    root = clustered(tmp_path, SMALL)
    ask(root, "Please answer briefly:")

    objects = outline(desired_of(root))["objects"]

    (snapshot,) = (obj for name, obj in objects.items() if name.startswith("ConfigMap/snapshot-"))
    assert len(snapshot["data"]) == 64
    assert "Please answer" not in json.dumps(objects)
    assert "snapshot." in json.dumps(objects["ConfigMap/tetrad-proven"]["data"])
