"""What of the live objects differs from those that are wanted. Pure.

Nothing is applied for it, not even on trial, so that an account that may only read can ask. Wanted
fields are compared as they are written. A field that is not wanted is found by its owner: whatever a
person or a program set, the API server notes who, and its own defaults belong to nobody.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from fields import ABSENT, FieldChange, field_changes, joined, within, written
from objects.kubernetes import COMPONENT, WORKLOADS, Object, Place, object_name
from objects.proven import LIST
from objects.snapshot import COMPONENT as SNAPSHOT

# These keep objects going, and what they add is theirs.
_OF_THE_CLUSTER = ("kube-", "kubelet", "keda", "cluster-autoscaler", "kwok")
# Of Pulumi, of controllers that reconcile, orders of kubectl, and what the API server gives each namespace
# in the name of whoever creates it.
_MARKS = ("kubernetes.io/metadata.name", "pulumi.com/", "kubectl.kubernetes.io/", "deployment.kubernetes.io/",
          "argocd.argoproj.io/", "kustomize.toolkit.fluxcd.io/", "helm.toolkit.fluxcd.io/",
          "app.kubernetes.io/instance")  # fmt: skip
_MARKS_IN = ("labels", "annotations")
# Kinds that run something, give a right, or lead traffic somewhere, with the version in which they are
# asked for: of them the namespace has none but those that are wanted, and what these bring.
EXCLUSIVE = {
    **WORKLOADS,
    "Pod": "v1",
    "ReplicaSet": "apps/v1",
    "ReplicationController": "v1",
    "Role": "rbac.authorization.k8s.io/v1",
    "RoleBinding": "rbac.authorization.k8s.io/v1",
    "ServiceAccount": "v1",
    "NetworkPolicy": "networking.k8s.io/v1",
    "Service": "v1",
    "EndpointSlice": "discovery.k8s.io/v1",
    "Ingress": "networking.k8s.io/v1",
    "HTTPRoute": "gateway.networking.k8s.io/v1",
}
_KUBERNETES_OWN = ("ServiceAccount/default",)
_OUTSIDE = ("status", "apiVersion", "kind")
_AUTOSCALED = ("spec", "replicas")


@dataclass(frozen=True, kw_only=True)
class Drifted:
    """An object by KIND/NAME. `fields` are from what is wanted to what is there."""

    object: str
    drift: Literal["missing", "extra", "changed"]
    fields: tuple[FieldChange, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Added:
    """A field that somebody set and nobody wants; `pointer` is its path in a JSON patch."""

    path: tuple[str, ...]
    pointer: str
    value: Any


def drifted(
    wanted: Mapping[str, Object], live: Mapping[str, Object], place: Place
) -> Iterator[Drifted]:
    """Every object that lacks, differs, or is too many."""
    for name, obj in wanted.items():
        if name not in live:
            yield Drifted(object=name, drift="missing")
        elif fields := tuple(_fields(obj, live[name])):
            yield Drifted(object=name, drift="changed", fields=fields)
    for name in _strange(wanted, live, place):
        yield Drifted(object=name, drift="extra")


def changed_snapshots(
    wanted: Mapping[str, Object], live: Mapping[str, Object], place: Place
) -> list[str]:
    """The names of snapshots that are to come or go, and of their list; none where anything else is to
    change, too. What nobody applied by Pulumi is no business of an apply.
    """
    found = []
    for one in drifted(wanted, live, place):
        obj = wanted.get(one.object) or live[one.object]
        metadata = obj["metadata"]
        if one.drift == "extra" and not is_applied_by_pulumi(obj):
            continue
        is_snapshot = metadata.get("labels", {}).get(COMPONENT) == SNAPSHOT
        if obj["kind"] != "ConfigMap" or not (is_snapshot or metadata["name"] == LIST):
            return []
        found.append(metadata["name"])
    return found


def is_applied_by_pulumi(obj: Object) -> bool:
    managers = (entry.get("manager", "") for entry in obj["metadata"].get("managedFields", ()))
    return any(manager.startswith("pulumi-kubernetes") for manager in managers)


def _fields(wanted: Object, live: Object) -> Iterator[FieldChange]:
    yield from field_changes(wanted, within(live, wanted))
    for one in added(wanted, live):
        yield FieldChange(path=_path(one.path), before=None, after=written(one.value))


def added(wanted: Object, live: Object) -> Iterator[Added]:
    """Fields that somebody set and nobody wants."""
    seen = set()
    for entry in live["metadata"].get("managedFields", ()):
        manager = entry.get("manager", "")
        if "subresource" in entry or manager.startswith(_OF_THE_CLUSTER):
            continue
        for one in _unwanted(entry.get("fieldsV1", {}), wanted, live, (), ""):
            if one.pointer not in seen and not _is_others(one.path, manager):
                seen.add(one.pointer)
                yield one


def _unwanted(
    owned: Mapping[str, Any], wanted: Any, live: Any, path: tuple[str, ...], pointer: str
) -> Iterator[Added]:
    """The topmost of the owned fields that are there and not wanted."""
    for step, below in owned.items():
        if step == ".":
            continue
        name, token, there = _taken(live, step)
        if there is ABSENT:
            continue
        _, _, meant = _taken(wanted, step)
        if meant is ABSENT and path[-1:] == ("metadata",) and isinstance(there, Mapping):
            meant = {}  # of labels and annotations each is somebody's own
        inner = (*path, name), f"{pointer}/{token.replace('~', '~0').replace('/', '~1')}"
        if meant is ABSENT:
            yield Added(path=inner[0], pointer=inner[1], value=there)
        else:
            yield from _unwanted(below, meant, there, *inner)


def _taken(value: Any, step: str) -> tuple[str, str, Any]:
    """A part of a value by its step in managedFields, with its names for people and for a patch."""
    kind, _, rest = step.partition(":")
    if kind == "f":
        return rest, rest, value.get(rest, ABSENT) if isinstance(value, Mapping) else ABSENT
    said, items = json.loads(rest), value if isinstance(value, list) else []
    if kind == "k":
        name = f"[{next(iter(said.values()))}]"
        found = [i for i, item in enumerate(items) if _has(item, said)]
    elif kind == "v":
        name, found = f"[{said}]", [i for i, item in enumerate(items) if item == said]
    else:
        name, found = f"[{said}]", [said] if said < len(items) else []
    return (name, str(found[0]), items[found[0]]) if found else (name, "", ABSENT)


def _has(item: Any, key: Mapping[str, Any]) -> bool:
    """Whether an item of a list has a key; where it leaves a part of it out, that is a default."""
    return all(item.get(name, value) == value for name, value in key.items())


def _is_others(path: tuple[str, ...], manager: str) -> bool:
    """Whether a field is no business of whoever applies the object.

    Labels and annotations are how programs of a cluster speak to each other: those count that a person
    set by kubectl.
    """
    if path[0] in _OUTSIDE or path == _AUTOSCALED:
        return True
    is_mark = "metadata" in path[:-1] and path[path.index("metadata") + 1] in _MARKS_IN
    if path[0] == "metadata" and not is_mark:
        return True
    return is_mark and (not manager.startswith("kubectl") or path[-1].startswith(_MARKS))


def _strange(
    wanted: Mapping[str, Object], live: Mapping[str, Object], place: Place
) -> Iterator[str]:
    """What nobody merged. What another object owns goes and comes with it, if that one is wanted or named
    here: an owner that is neither hides nothing.
    """
    brought = _brought(live, {_uid(obj) for name, obj in live.items() if name in wanted})
    left = {
        name: obj
        for name, obj in live.items()
        if name not in wanted and _uid(obj) not in brought and _is_ours(obj, place)
    }
    uids = {_uid(obj) for obj in left.values()}
    roots = {_uid(obj) for obj in left.values() if not uids & _owners(obj)}
    following = _brought(left, roots) - roots
    yield from (name for name, obj in left.items() if _uid(obj) not in following)


def _brought(live: Mapping[str, Object], uids: set[str]) -> set[str]:
    """The objects, what they own, what that owns, and so on."""
    found, found_before = set(uids), set[str]()
    while found != found_before:
        found_before = set(found)
        found |= {_uid(obj) for obj in live.values() if _owners(obj) & found}
    return found


def _uid(obj: Object) -> str:
    return str(obj["metadata"].get("uid") or object_name(obj))


def _owners(obj: Object) -> set[str]:
    return {one["uid"] for one in obj["metadata"].get("ownerReferences", ())}


def _is_ours(obj: Object, place: Place) -> bool:
    """Whether an object is one that only this program makes: the namespace is the environment's alone.

    The pointer is nobody's to apply.
    """
    metadata = obj["metadata"]
    labels = place.labels("")
    mine = {key: labels[key] for key in ("app.kubernetes.io/managed-by", "tetrad.dev/environment")}
    is_marked = mine.items() <= metadata.get("labels", {}).items()
    if "namespace" in metadata:
        is_exclusive = obj["kind"] in EXCLUSIVE and object_name(obj) not in _KUBERNETES_OWN
        return is_marked or is_exclusive
    first, _, last = metadata["name"].rpartition("-")
    return is_marked and bool(last) and first == f"tetrad-{place.namespace}"


def _path(steps: tuple[str, ...]) -> str:
    path = ""
    for step in steps:
        path = f"{path}{step}" if step.startswith("[") else joined(path, step)
    return path
