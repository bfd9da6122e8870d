"""What runs of a model server, and in a word why not all of it. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from objects.kubernetes import Object

_LACKS = re.compile(r"Insufficient ([^\s,.][^\s,]*[^\s,.])")
_BEGINS = {"ContainerCreating", "PodInitializing"}
_LONGEST = 120


@dataclass(frozen=True, kw_only=True)
class ServerState:
    """The pods of a Deployment that answer, of those that it is to have."""

    ready: int
    wanted: int
    why: tuple[str, ...]  # it has fewer; empty where it has all


def server_state(deployment: Object | None, pods: Iterable[Object], least: int) -> ServerState:
    """`least`: how many are wanted where nothing says so, or nothing is there."""
    if deployment is None:
        return ServerState(ready=0, wanted=least, why=("there is no Deployment",))
    status = deployment.get("status", {})
    ready = int(status.get("readyReplicas", 0))
    wanted = int(deployment["spec"].get("replicas", least))
    why = () if ready >= wanted else tuple(dict.fromkeys(_why(status, list(pods), wanted)))
    return ServerState(ready=ready, wanted=wanted, why=why)


def _why(status: Mapping[str, Any], pods: Sequence[Object], wanted: int) -> Iterator[str]:
    refused = [
        condition
        for condition in status.get("conditions", ())
        if condition["type"] == "ReplicaFailure" and condition["status"] == "True"
    ]
    for condition in refused:
        yield _short(f"{condition.get('reason', 'refused')}: {condition.get('message', '')}")
    yield from filter(None, map(_of_pod, pods))
    if len(pods) < wanted and not refused:
        yield f"{wanted - len(pods)} not made yet"


def _of_pod(pod: Object) -> str:
    """Nothing of a pod that is ready."""
    status = pod.get("status", {})
    conditions = {one["type"]: one for one in status.get("conditions", ())}
    if conditions.get("Ready", {}).get("status") == "True":
        return ""
    if "deletionTimestamp" in pod["metadata"]:
        return "ending"
    placed = conditions.get("PodScheduled", {})
    if placed.get("status") == "False":
        return _pending(placed.get("message", ""))
    begins, containers = (
        status.get(name, ()) for name in ("initContainerStatuses", "containerStatuses")
    )
    problems = filter(None, map(_problem, (*begins, *containers)))
    return next(problems, "") or _loading(begins, containers)


def _loading(begins: Iterable[Mapping[str, Any]], containers: Iterable[Mapping[str, Any]]) -> str:
    if any("running" in one.get("state", {}) for one in begins):
        return "verifying weights"
    running = [one for one in containers if "running" in one.get("state", {})]
    if not running:
        return "starting"
    return "not ready" if all(one.get("started") for one in running) else "still loading"


def _pending(message: str) -> str:
    lacking = sorted(set(_LACKS.findall(message)))
    if lacking:
        return f"Pending: insufficient {', '.join(lacking)}"
    return _short(f"Pending: {message.partition(' preemption:')[0]}")


def _problem(container: Mapping[str, Any]) -> str:
    """As kubectl's column STATUS has it, and how a container ended that comes again."""
    state = container.get("state", {})
    last = container.get("lastState", {}).get("terminated")
    ended, waits = state.get("terminated"), state.get("waiting", {}).get("reason", "")
    if ended is not None and ended.get("exitCode"):
        return _ending(ended)
    if waits in _BEGINS:
        return ""
    return f"{waits}: {_ending(last)}" if waits and last is not None else waits


def _ending(ended: Mapping[str, Any]) -> str:
    return f"{ended.get('reason', 'Error')}, exit code {ended.get('exitCode')}"


def _short(text: str) -> str:
    text = " ".join(text.split()).rstrip(": ")
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
