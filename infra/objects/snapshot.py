"""A snapshot as an object that gateways read from the API: no pod mounts it, so a new one restarts
nothing.
"""

from __future__ import annotations

import base64

from digests import short
from objects.kubernetes import Object, Place
from snapshots import SnapshotArgs

COMPONENT = "snapshot"


def snapshot_objects(args: SnapshotArgs, place: Place) -> list[Object]:
    held: Object
    if args.layout is None:
        held = {"data": {"bundle": args.bundle}}
    else:
        held = {"binaryData": {"bundle.tar": base64.b64encode(args.layout).decode()}}
    annotations = {
        "tetrad.dev/identity": args.identity,
        "tetrad.dev/snapshot": args.digest,
        "tetrad.dev/stack": args.stack,
    }
    labels = {"identity": short(args.identity)}
    return [
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": place.metadata(
                args.name, COMPONENT, labels=labels, annotations=annotations
            ),
            "immutable": True,
            **held,
        }
    ]
