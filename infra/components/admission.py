"""The namespace, and what may be in it: by the list of what is proven, and by nothing else."""

from __future__ import annotations

import pulumi

from components.applied import Target, apply
from desired import Desired
from objects.network import default_deny, model_server_traffic, namespace_object
from objects.proven import admission_policies, proven_list


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
        namespace = apply([namespace_object(place)], self, target)
        # The list before the policies that take it as their parameter: without it they refuse all.
        listed = apply([proven_list(args, place)], self, target, after=namespace)
        apply(admission_policies(args, place), self, target, after=listed)
        traffic = [default_deny(place), model_server_traffic(place, args.cluster.monitoring)]
        apply(traffic, self, target, after=namespace)
        self.register_outputs({})
