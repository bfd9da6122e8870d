"""The rules, as functions of an object. Pure.

Those on security are the *restricted* Pod Security Standard and what this program adds to it; those on
evidence say what the admission policies of `objects/proven.py` say in the cluster.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from digests import short
from model_servers import server_name
from objects.kubernetes import COMPONENT, MODEL, Object
from policy_pack.pods import containers_of, images_of, pod_metadata_of, pod_of

Listed: TypeAlias = Mapping[str, str]  # the data of the list of what is proven
_PINNED = re.compile(r"^[^@]+@sha256:[0-9a-f]{64}$")
_SHA256 = re.compile(r"^sha256:[0-9a-f]{64}$")
_IDENTITY = re.compile(r"^tetrad:[0-9a-f]{64}$")
_VOLUMES = {
    "configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "image", "persistentVolumeClaim",
    "projected", "secret",
}  # fmt: skip
_HOST = ("hostNetwork", "hostPID", "hostIPC")


@dataclass(frozen=True, kw_only=True)
class Rule:
    """`find` gives what is wrong with an object, by the list of what is proven."""

    name: str
    says: str
    find: Callable[[Object, Listed], Iterator[str]]


def _images_by_digest(obj: Object, _: Listed) -> Iterator[str]:
    for image in images_of(obj):
        if not _PINNED.match(image):
            yield f"the image {image} is not named by digest"


def _not_root(obj: Object, _: Listed) -> Iterator[str]:
    pod = pod_of(obj)
    if pod is None:
        return
    security = pod.get("securityContext", {})
    for container in containers_of(pod):
        own = container.get("securityContext", {})
        if not own.get("runAsNonRoot", security.get("runAsNonRoot")):
            yield f"{container['name']} may run as root: runAsNonRoot is not true"
        if own.get("runAsUser", security.get("runAsUser")) == 0:
            yield f"{container['name']} runs as root: runAsUser is 0"


def _confined(obj: Object, _: Listed) -> Iterator[str]:
    pod = pod_of(obj)
    if pod is None:
        return
    profile = pod.get("securityContext", {}).get("seccompProfile", {}).get("type")
    for container in containers_of(pod):
        own, name = container.get("securityContext", {}), container["name"]
        if own.get("privileged"):
            yield f"{name} is privileged"
        if own.get("allowPrivilegeEscalation") is not False:
            yield f"{name}: allowPrivilegeEscalation is not false"
        if "ALL" not in own.get("capabilities", {}).get("drop", ()):
            yield f"{name}: capabilities are not dropped"
        if own.get("capabilities", {}).get("add"):
            yield f"{name}: capabilities are added"
        if own.get("readOnlyRootFilesystem") is not True:
            yield f"{name}: its root file system can be written"
        if own.get("seccompProfile", {}).get("type", profile) not in {
            "RuntimeDefault",
            "Localhost",
        }:
            yield f"{name}: it has no seccomp profile"


def _apart_from_host(obj: Object, _: Listed) -> Iterator[str]:
    pod = pod_of(obj)
    if pod is None:
        return
    yield from (f"{key} is true" for key in _HOST if pod.get(key))
    for volume in pod.get("volumes", ()):
        for kind in sorted(volume.keys() - {"name"} - _VOLUMES):
            yield f"the volume {volume['name']} is of kind {kind}"
    for container in containers_of(pod):
        if any("hostPort" in port for port in container.get("ports", ())):
            yield f"{container['name']} takes a port of the node"


def _no_needless_access(obj: Object, _: Listed) -> Iterator[str]:
    pod = pod_of(obj)
    if pod is None:
        return
    if pod.get("enableServiceLinks") is not False:
        yield "enableServiceLinks is not false"
    if pod.get("automountServiceAccountToken") is not False and "serviceAccountName" not in pod:
        yield "a token of the default account is mounted"


def _no_secrets(obj: Object, _: Listed) -> Iterator[str]:
    if obj["kind"] == "Secret":
        yield "a Secret in the program stands in Pulumi's state, too: name one that is there"


def _restricted_namespace(obj: Object, _: Listed) -> Iterator[str]:
    labels = obj["metadata"].get("labels", {})
    enforced = labels.get("pod-security.kubernetes.io/enforce")
    if obj["kind"] == "Namespace" and enforced != "restricted":
        yield "it does not enforce the restricted Pod Security Standard"


def _closed_traffic(obj: Object, _: Listed) -> Iterator[str]:
    if obj["kind"] != "NetworkPolicy":
        return
    spec = obj["spec"]
    if set(spec.get("policyTypes", ())) != {"Ingress", "Egress"}:
        yield "policyTypes are not Ingress and Egress"
    component = obj["metadata"].get("labels", {}).get(COMPONENT)
    for direction, peers in (("ingress", "from"), ("egress", "to")):
        for rule in spec.get(direction) or ():
            is_named = any(rule.get(peers) or ())
            if not is_named and not rule.get("ports"):
                yield f"all {direction} is allowed"
            elif not is_named and direction == "ingress" and component != "gateway":
                yield "ingress is allowed from everywhere"


def _listed_images(obj: Object, listed: Listed) -> Iterator[str]:
    known = listed.get("images", "").split("\n")
    for image in images_of(obj):
        if image not in known:
            yield f"the image {image} is not on the list of what is proven"


def _proven_model(obj: Object, listed: Listed) -> Iterator[str]:
    pod, metadata = pod_of(obj), obj["metadata"]
    if pod is None or metadata.get("labels", {}).get(COMPONENT) != "model-server":
        return
    inner = pod_metadata_of(obj)
    digest = inner.get("annotations", {}).get(MODEL, "")
    model = short(digest)
    labels = [part.get("labels", {}).get(MODEL) for part in (metadata, inner)]
    if not _SHA256.match(digest) or labels != [model, model]:
        yield "its labels and its annotation do not name one model"
    elif f"model.{digest.removeprefix('sha256:')}" not in listed:
        yield f"the model {model} is not on the list of what is proven"
    elif {c["image"] for c in containers_of(pod)} != {
        listed[f"model.{digest.removeprefix('sha256:')}"]
    }:
        yield f"its image is not that of the model {model} on the list"
    if obj["kind"] == "Deployment" and metadata["name"] != server_name(model):
        yield "its name is not that of its model"


def _proven_snapshot(obj: Object, listed: Listed) -> Iterator[str]:
    metadata = obj["metadata"]
    if obj["kind"] != "ConfigMap" or metadata.get("labels", {}).get(COMPONENT) != "snapshot":
        return
    marks = metadata.get("annotations", {})
    identity, digest = marks.get("tetrad.dev/identity", ""), marks.get("tetrad.dev/snapshot", "")
    if not _IDENTITY.match(identity) or not _SHA256.match(digest):
        yield "its annotations do not name an identity and a snapshot"
        return
    if obj.get("immutable") is not True:
        yield "it is not immutable"
    if metadata["labels"].get("tetrad.dev/identity") != short(identity):
        yield "its label is not that of its identity"
    if not metadata["name"].endswith(f"-{short(digest)}"):
        yield "its name is not that of its snapshot"
    if listed.get(f"snapshot.{digest[7:]}") != identity:
        yield f"the snapshot {short(digest)} is not on the list of what is proven"


RULES = (
    Rule(name="images-by-digest", says="Images are named by digest.", find=_images_by_digest),
    Rule(name="not-root", says="Nothing runs as root.", find=_not_root),
    Rule(
        name="confined",
        says="Containers have no capabilities, a seccomp profile and a read-only root file system.",
        find=_confined,
    ),
    Rule(
        name="apart-from-host",
        says="Pods share nothing with their node.",
        find=_apart_from_host,
    ),
    Rule(
        name="no-needless-access",
        says="Pods get no account of the API and no service links that they do not ask for.",
        find=_no_needless_access,
    ),
    Rule(name="no-secrets", says="Secrets are named, never written.", find=_no_secrets),
    Rule(
        name="restricted-namespace",
        says="The namespace enforces the restricted Pod Security Standard.",
        find=_restricted_namespace,
    ),
    Rule(name="closed-traffic", says="Traffic is denied unless it is named.", find=_closed_traffic),
    Rule(name="listed-images", says="Every image is on the list of what is proven.", find=_listed_images),
    Rule(name="proven-model", says="Model servers run proven models.", find=_proven_model),
    Rule(name="proven-snapshot", says="Snapshots are those of proven identities.", find=_proven_snapshot),
)  # fmt: skip
