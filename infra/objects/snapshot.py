"""A snapshot as an object that gateways read from the API: no pod mounts it, so a new one restarts
nothing.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping

from digests import short
from objects.kubernetes import Object, Place
from snapshots import SnapshotArgs

COMPONENT = "snapshot"
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")  # that not every YAML reader takes in a text


def snapshot_objects(args: SnapshotArgs, place: Place) -> list[Object]:
    held = {"data": {"bundle": args.bundle}} if args.parts is None else _held(args.parts)
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


def _held(parts: Mapping[str, bytes]) -> Object:
    """Texts as such, so that people can read them in the cluster."""
    texts = {name: text for name, data in parts.items() if (text := _text(data)) is not None}
    others = {
        name: base64.b64encode(data).decode() for name, data in parts.items() if name not in texts
    }
    return {"data": texts, "binaryData": others} if others else {"data": texts}


def _text(data: bytes) -> str | None:
    """None for what is no plain text."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return None
    return None if _CONTROL.search(text) else text
