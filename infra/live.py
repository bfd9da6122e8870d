"""The objects of an environment as the cluster has them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import tetrad
from objects.kubernetes import WORKLOADS, Object, object_name

_MANAGER = "tetrad"


class Live:
    """The namespace of an environment, and what is cluster-wide."""

    def __init__(self, cluster: tetrad.Cluster) -> None:
        self._namespace = cluster.namespace
        self._api = tetrad.ClusterApi(cluster.context, cluster.namespace)

    def objects(
        self, wanted: Iterable[Mapping[str, Any]], also: Mapping[str, str] = WORKLOADS
    ) -> dict[str, Object]:
        """By KIND/NAME: everything of the kinds of what is wanted, and of others that are named.

        A kind that the cluster does not know has no objects.
        """
        named = ((obj["apiVersion"], obj["kind"]) for obj in wanted)
        kinds = dict.fromkeys([*named, *((version, kind) for kind, version in also.items())])
        return {object_name(obj): obj for kind in kinds for obj in self._of_kind(*kind)}

    def named(self, api_version: str, kind: str, name: str) -> Object | None:
        """An object; None where there is none."""
        collection = self._api.collection(api_version, kind)
        return None if collection is None else self._api.get(collection, name)

    def deployments(self, selector: str) -> Sequence[Object]:
        return self._of_kind("apps/v1", "Deployment", labels=selector)

    def pods(self, selector: str) -> Sequence[Object]:
        return self._of_kind("v1", "Pod", labels=selector)

    def remove(self, obj: Object, pointers: Sequence[str]) -> None:
        """Take fields away from an object; ClusterConflict where somebody changed it meanwhile."""
        metadata = obj["metadata"]
        collection = self._api.collection(obj["apiVersion"], obj["kind"])
        assert collection is not None  # noqa: S101 - the object is one of it
        unchanged = {
            "op": "replace",
            "path": "/metadata/resourceVersion",
            "value": metadata["resourceVersion"],
        }
        steps = [unchanged, *({"op": "remove", "path": pointer} for pointer in pointers)]
        self._api.patch(collection, metadata["name"], steps, manager=_MANAGER)

    def _of_kind(self, api_version: str, kind: str, labels: str = "") -> Sequence[Object]:
        collection = self._api.collection(api_version, kind)
        if collection is None:
            return ()
        # Of all namespaces an account may know no other.
        fields = f"metadata.name={self._namespace}" if kind == "Namespace" else ""
        found = self._api.listed(collection, labels=labels, fields=fields)[0]
        # In a list the server leaves out of what kind each is.
        return [{"apiVersion": api_version, "kind": kind, **obj} for obj in found]
