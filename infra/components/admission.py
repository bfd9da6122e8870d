"""The namespace, and what may be in it: by the list of what is proven, and by nothing else."""

from __future__ import annotations

import pulumi

from components.applied import Target, apply
from desired import Desired
from objects.network import model_server_traffic, namespace_objects
from objects.proven import proven_objects


class Admission(pulumi.ComponentResource):
    """Everything else depends on it."""

    def __init__(
        self,
        name: str,
        args: Desired,
        target: Target,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("tetrad:serving:Admission", name, {}, opts)
        place = target.place
        apply(namespace_objects(place), self, target)
        apply(proven_objects(args, place), self, target)
        apply([model_server_traffic(place, args.cluster.monitoring)], self, target)
        self.register_outputs({})
