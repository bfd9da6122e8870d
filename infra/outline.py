"""What an environment is by the files of a tree, small enough to be compared with another's. Pure.

Contents of snapshots are told by their digests.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from costs import costs
from desired import Desired
from objects.everything import objects_by_name
from objects.kubernetes import COMPONENT, Object
from objects.snapshot import COMPONENT as SNAPSHOT


def outline(desired: Desired) -> dict[str, Any]:
    objects = objects_by_name(desired).items()
    return {
        "objects": {name: _without_contents(obj) for name, obj in objects},
        "servers": [
            {
                "name": one.server.name,
                "model": one.server.ref,
                "resources": dict(one.server.resources),
                "replicas": {
                    "min": one.server.hosting.replicas.min,
                    "max": one.server.hosting.replicas.max,
                },
                "usd_per_month": {"min": one.monthly.min, "max": one.monthly.max},
                "unpriced": list(one.unpriced),
            }
            for one in costs(desired.models, desired.cluster)
        ],
    }


def _without_contents(obj: Object) -> Object:
    if obj["metadata"].get("labels", {}).get(COMPONENT) != SNAPSHOT:
        return obj
    held = {key: obj[key] for key in ("data", "binaryData") if key in obj}
    written = json.dumps(held, sort_keys=True).encode()
    others = {key: value for key, value in obj.items() if key not in held}
    return {**others, "data": hashlib.sha256(written).hexdigest()}
