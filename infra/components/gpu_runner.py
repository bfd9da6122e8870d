"""Self-hosted runners for the gate's job."""

from __future__ import annotations

import pulumi

import tetrad
from components.applied import Target, apply
from objects.gpu_runner import gpu_runner_objects


class GpuRunner(pulumi.ComponentResource):
    """Each takes one job, and reaches nothing but the forge."""

    def __init__(
        self,
        name: str,
        args: tetrad.RunnerHosting,
        target: Target,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("tetrad:serving:GpuRunner", name, {}, opts)
        apply(gpu_runner_objects(args, target.place), self, target)
        self.register_outputs({})
