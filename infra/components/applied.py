"""An object of the cluster as a resource of Pulumi's Kubernetes provider."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi

from objects.kubernetes import Object, Place

# Of these the provider would wait for ready pods. `tetrad deploy` does, by the load time of each; a
# gateway is ready only when traffic is, which moves after that.
_AWAITED = {"Deployment", "StatefulSet", "Job", "Service", "PersistentVolumeClaim"}
PROVIDER_VERSION = "4.34.0"  # of pulumi-kubernetes; an object needs no other part of it


@dataclass(frozen=True, kw_only=True)
class Target:
    """Where a component's objects go."""

    place: Place
    provider: pulumi.ProviderResource


class Applied(pulumi.CustomResource):
    """Any object: the provider takes its kind from the resource's type."""

    def __init__(self, obj: Object, opts: pulumi.ResourceOptions) -> None:
        version = obj["apiVersion"]
        token = version if "/" in version else f"core/{version}"
        super().__init__(
            f"kubernetes:{token}:{obj['kind']}", obj["metadata"]["name"], _with_orders(obj), opts
        )


def apply(
    objects: Iterable[Object],
    parent: pulumi.Resource,
    target: Target,
    *,
    after: Sequence[pulumi.Resource] = (),
) -> list[pulumi.Resource]:
    """A resource each, applied when those of `after` are there."""
    return [
        Applied(
            obj,
            pulumi.ResourceOptions(
                parent=parent,
                provider=target.provider,
                version=PROVIDER_VERSION,
                depends_on=after,
                # A namespace takes everything in it along, the pointer included.
                retain_on_delete=obj["kind"] == "Namespace",
            ),
        )
        for obj in objects
    ]


def _with_orders(obj: Object) -> dict[str, Any]:
    """The object with what only the provider reads: how it is applied."""
    orders = {"pulumi.com/patchForce": "true"}  # what was edited by hand is put right
    if obj["kind"] in _AWAITED:
        orders["pulumi.com/skipAwait"] = "true"
    metadata = obj["metadata"]
    annotations = {**metadata.get("annotations", {}), **orders}
    return {**obj, "metadata": {**metadata, "annotations": annotations}}
