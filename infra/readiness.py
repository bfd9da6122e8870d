"""Whether what an identity needs is ready, and what Kubernetes says of it where it is not. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import tetrad
from desired import Desired
from objects.everything import objects_by_name
from objects.kubernetes import COMPONENT, MODEL, Object

_STARTS_S = 300.0  # what loads no model: to place a pod, pull its image and be ready
_INDEXES_S = 6 * 3600.0
# What a pull, a Secret or a quota may need until it is as it should be.
_PATIENCE_S = 30.0
_TOO_LATE = "ProgressDeadlineExceeded"
_STUCK = {
    "ErrImageNeverPull", "ImagePullBackOff", "InvalidImageName", "CreateContainerConfigError",
    "CreateContainerError", "CrashLoopBackOff", "RunContainerError",
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Awaited:
    """A workload that is to be ready before traffic moves, and how long that may take."""

    api_version: str
    kind: str
    name: str
    what: str  # for people
    selector: str
    least: int  # of its pods
    within_s: float
    places_s: float  # how long a pod may look for a node: one that is ordered comes in minutes


@dataclass(frozen=True, kw_only=True)
class Problem:
    """Why a workload is not ready, and how long that may last before nothing is to be hoped for."""

    text: str
    patience_s: float = _PATIENCE_S
    is_end: bool = False  # of a container that had started


class NotReady(tetrad.TetradError):
    """What a new identity needs does not become ready: traffic stays where it is."""

    exit_code = tetrad.ExitCode.REFUSED


def awaited(desired: Desired) -> tuple[Awaited, ...]:
    """Servers of the merged state's models, the vector store, and Jobs that end."""
    servers = {model.name: model for model in desired.models if model.name in desired.needed}
    found = []
    for obj in objects_by_name(desired).values():
        name, kind = obj["metadata"]["name"], obj["kind"]
        if kind == "Deployment" and name in servers:
            server = servers[name]
            least, load_s, what = server.hosting.replicas.min, server.load_s, server.ref
            # an update replaces one after the other; Kubernetes says of each whether it is too late
            within_s = least * server.starts_within_s
        elif kind == "StatefulSet":
            least, load_s, what, within_s = 1, _STARTS_S, "vectors", _STARTS_S * 2
        elif kind == "Job" and obj["spec"].get("completions", 1) == 1:
            least, load_s, what, within_s = 1, _STARTS_S, "a Job", _INDEXES_S
        else:
            continue
        found.append(
            Awaited(
                api_version=obj["apiVersion"],
                kind=kind,
                name=name,
                what=what,
                selector=_selector(obj),
                least=least,
                within_s=within_s,
                places_s=load_s,
            )
        )
    return tuple(one for one in found if one.least)


def _selector(obj: Object) -> str:
    spec = obj["spec"]
    labels = spec.get("selector", {}).get("matchLabels") or spec["template"]["metadata"]["labels"]
    if obj["kind"] == "Job":
        labels = {"batch.kubernetes.io/job-name": obj["metadata"]["name"]}
    wanted = {k: v for k, v in labels.items() if obj["kind"] == "Job" or k in (COMPONENT, MODEL)}
    return ",".join(f"{key}={value}" for key, value in wanted.items())


def ready_pods(awaited: Awaited, live: Object) -> int:
    """Pods of the newest specification that are ready; those of a Job are ready when they are done."""
    status = live.get("status", {})
    if awaited.kind == "Job":
        return int(status.get("succeeded", 0))
    if status.get("observedGeneration", 0) < live["metadata"].get("generation", 0):
        return 0
    ready = status.get("availableReplicas" if awaited.kind == "Deployment" else "readyReplicas", 0)
    return min(int(ready), int(status.get("updatedReplicas", 0)))


def is_ready(awaited: Awaited, there: Mapping[str, Object]) -> bool:
    """Whether nothing is to be waited for, by objects as they are."""
    live = there.get(f"{awaited.kind}/{awaited.name}")
    return live is not None and ready_pods(awaited, live) >= wanted_pods(awaited, live)


def wanted_pods(awaited: Awaited, live: Object) -> int:
    """At least one; of what is autoscaled, as many as the autoscaler has asked for by now."""
    return max(1, min(awaited.least, int(live.get("spec", {}).get("replicas", 1))))


def problems(awaited: Awaited, live: Object, pods: Sequence[Object]) -> Iterator[Problem]:
    """What keeps a workload from being ready, by its own conditions and those of its pods."""
    for condition in live.get("status", {}).get("conditions", ()):
        said = f"{condition.get('reason', '')}: {condition.get('message', '')}"
        holds = condition.get("status") == "True"
        if (condition["type"] == "ReplicaFailure" and holds) or (
            condition["type"] == "Progressing" and condition.get("reason") == _TOO_LATE
        ):
            yield Problem(text=said, patience_s=0.0 if not holds else _PATIENCE_S)
        if awaited.kind == "Job" and condition["type"] == "Failed" and holds:
            yield Problem(text=said, patience_s=0.0)
    for pod in pods:
        for problem in _of_pod(pod, awaited):
            name, patience_s = pod["metadata"]["name"], problem.patience_s
            if awaited.kind == "Job" and problem.is_end:
                patience_s = awaited.within_s  # another pod goes on; the Job says when none does
            yield Problem(text=f"pod {name}: {problem.text}", patience_s=patience_s)


def _of_pod(pod: Object, awaited: Awaited) -> Iterator[Problem]:
    status = pod.get("status", {})
    for condition in status.get("conditions", ()):
        if condition["type"] == "PodScheduled" and condition["status"] == "False":
            text = f"{condition.get('reason', 'Unschedulable')}: {condition.get('message', '')}"
            yield Problem(text=text, patience_s=awaited.places_s)
    containers = [*status.get("initContainerStatuses", ()), *status.get("containerStatuses", ())]
    for container in containers:
        yield from _of_container(container)


def _of_container(container: Mapping[str, Any]) -> Iterator[Problem]:
    name, state = container["name"], container.get("state", {})
    waiting = state.get("waiting", {})
    ended = _ended([state, container.get("lastState", {})])
    is_stuck = waiting.get("reason") in _STUCK
    if ended is not None and (
        is_stuck or container.get("restartCount", 0) or "terminated" in state
    ):
        reason, code = ended.get("reason", "Error"), ended.get("exitCode")
        if reason != "Completed":
            times = f", {container.get('restartCount', 0)} restarts"
            yield Problem(text=f"{name} ended: {reason}, exit code {code}{times}", is_end=True)
    elif is_stuck:
        yield Problem(
            text=f"{name}: {waiting['reason']}: {waiting.get('message', '')}".rstrip(": ")
        )


def _ended(states: Iterable[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    found: Iterator[Mapping[str, Any]] = (s["terminated"] for s in states if "terminated" in s)
    return next(found, None)
