"""The pods of an object, whatever its kind."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from objects.kubernetes import Object

_CONTAINERS = ("initContainers", "containers", "ephemeralContainers")


def pod_of(obj: Object) -> Object | None:
    """The specification of its pods; None of what has none."""
    template = _template(obj)
    return None if template is None else template["spec"]


def pod_metadata_of(obj: Object) -> Mapping[str, Any]:
    template = _template(obj)
    return {} if template is None else template.get("metadata", {})


def containers_of(pod: Mapping[str, Any]) -> Iterator[Object]:
    for kind in _CONTAINERS:
        yield from pod.get(kind, ())


def images_of(obj: Object) -> Iterator[str]:
    """Those of containers and of volumes."""
    pod = pod_of(obj) or {}
    yield from (container["image"] for container in containers_of(pod))
    yield from (one["image"]["reference"] for one in pod.get("volumes", ()) if "image" in one)


def _template(obj: Object) -> Object | None:
    spec = obj.get("spec", {})
    if obj["kind"] == "Pod":
        return obj
    if obj["kind"] == "CronJob":
        spec = spec["jobTemplate"]["spec"]
    found: Object | None = spec.get("template")
    return found
