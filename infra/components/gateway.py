"""The gateways: a Deployment per release, and the route between them."""

from __future__ import annotations

import pulumi

from components.applied import Target, apply
from desired import Desired
from objects.gateway import gateway_objects, shared_gateway_objects


class Gateway(pulumi.ComponentResource):
    """Which identity answers is the pointer's to say, which no resource here contains."""

    def __init__(
        self,
        name: str,
        args: Desired,
        target: Target,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("tetrad:serving:Gateway", name, {}, opts)
        apply(shared_gateway_objects(args, target.place), self, target)
        for release in args.cluster.gateways:
            apply(gateway_objects(release, args, target.place), self, target)
        self.register_outputs({})
