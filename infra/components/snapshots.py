"""The snapshots of identities."""

from __future__ import annotations

from collections.abc import Sequence

import pulumi

from components.applied import Target, apply
from objects.snapshot import snapshot_objects
from snapshots import SnapshotArgs


class Snapshots(pulumi.ComponentResource):
    """One object each; a new identity adds one, and changes no other."""

    def __init__(
        self,
        name: str,
        args: Sequence[SnapshotArgs],
        target: Target,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("tetrad:serving:Snapshots", name, {}, opts)
        for snapshot in args:
            apply(snapshot_objects(snapshot, target.place), self, target)
        self.register_outputs({})
