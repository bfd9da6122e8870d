"""The objects of an environment as the cluster has them, asked by kubectl."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import tetrad
from objects.kubernetes import Object
from outline import object_name

_ANSWERS_S = 60
_WORKLOADS = ("Deployment.apps", "StatefulSet.apps", "DaemonSet.apps", "Job.batch", "CronJob.batch")
_UNKNOWN = re.compile(r"the server doesn't have a resource type \"([^\"]+)\"")


class ClusterUnavailable(tetrad.TetradError):
    """The API server gave no answer, or refused one."""

    exit_code = tetrad.ExitCode.INCONCLUSIVE


class Live:
    """The namespace of an environment."""

    def __init__(self, cluster: tetrad.Cluster) -> None:
        self._context = cluster.context
        self._namespace = cluster.namespace

    def objects(self, wanted: Iterable[Mapping[str, Any]]) -> dict[str, Object]:
        """By KIND/NAME: everything of the kinds of what is wanted, and workloads of any other kind.

        A kind that the cluster does not know has no objects.
        """
        kinds = [*dict.fromkeys([*map(_resource, wanted), *_WORKLOADS])]
        found = self._get(kinds)
        cluster_wide = {"Namespace": self._namespace}
        return {
            object_name(obj): obj
            for obj in found
            if cluster_wide.get(obj["kind"], obj["metadata"]["name"]) == obj["metadata"]["name"]
        }

    def pods(self, selector: str) -> Sequence[Object]:
        return self._listed("get", "pods", "--selector", selector)

    def events(self, name: str) -> Sequence[Object]:
        """What happened to an object, the oldest first."""
        given = ("--field-selector", f"involvedObject.name={name}", "--sort-by", ".lastTimestamp")
        return self._listed("get", "events", *given)

    def named(self, kind: str, names: Sequence[str]) -> Sequence[Object]:
        """Those that are there of some objects of a kind."""
        return self._listed("get", kind, *names, "--ignore-not-found")

    def remove(self, obj: Object, pointers: Sequence[str]) -> None:
        """Take fields away from an object; it is refused if somebody changed it meanwhile."""
        version = obj["metadata"]["resourceVersion"]
        patch: list[object] = [
            {"op": "test", "path": "/metadata/resourceVersion", "value": version},
            *({"op": "remove", "path": pointer} for pointer in pointers),
        ]
        where = ("patch", _resource(obj), obj["metadata"]["name"], "--type", "json")
        result = self._kubectl(*where, "--patch", json.dumps(patch))
        if result.returncode != 0:
            raise self._unavailable(result)

    def _get(self, kinds: list[str]) -> Sequence[Object]:
        while kinds:
            result = self._kubectl("get", ",".join(kinds), "--show-managed-fields")
            unknown = set(_UNKNOWN.findall(result.stderr))
            if result.returncode == 0:
                return _items(result.stdout)
            if not unknown:
                raise self._unavailable(result)
            kinds = [kind for kind in kinds if kind.partition(".")[0].lower() not in _bare(unknown)]
        return ()

    def _listed(self, *arguments: str) -> Sequence[Object]:
        result = self._kubectl(*arguments)
        if result.returncode != 0:
            raise self._unavailable(result)
        return _items(result.stdout)

    def _kubectl(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        if shutil.which("kubectl") is None:
            raise tetrad.UsageError(
                "kubectl is not on PATH, and asks the cluster here"
                "\n  help: https://kubernetes.io/docs/tasks/tools/"
            )
        where = ("--context", self._context, "--namespace", self._namespace)
        wait = f"--request-timeout={_ANSWERS_S}s"
        return subprocess.run(
            ["kubectl", *where, wait, *arguments, "--output", "json"],
            capture_output=True,
            text=True,
            check=False,
        )

    def _unavailable(self, result: subprocess.CompletedProcess[str]) -> tetrad.TetradError:
        lines = [line for line in result.stderr.splitlines() if line.strip()]
        told = lines[-1] if lines else f"kubectl ended with {result.returncode}"
        if "context" in told and "does not exist" in told:
            return tetrad.UsageError(
                f"the kubeconfig has no context {self._context!r}"
                "\n  help: kubernetes.context names one; KUBECONFIG names the file"
            )
        return ClusterUnavailable(f"the cluster of context {self._context!r}: {told}")


def _resource(obj: Mapping[str, Any]) -> str:
    """As kubectl takes it: a kind, with the group if there is one."""
    group = obj["apiVersion"].rpartition("/")[0]
    return f"{obj['kind']}.{group}" if group else str(obj["kind"])


def _bare(names: Iterable[str]) -> set[str]:
    return {name.partition(".")[0].lower() for name in names}


def _items(text: str) -> Sequence[Object]:
    if not text.strip():
        return ()
    told = json.loads(text)
    found: Sequence[Object] = told["items"] if told["kind"] == "List" else [told]
    return found
