"""What objects have in common: names, labels, and the security of their pods."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import tetrad
from digests import short

Object: TypeAlias = dict[str, Any]

COMPONENT = "app.kubernetes.io/component"
MODEL = "tetrad.dev/model"  # as a label the first digits of its digest, as an annotation all
HTTP = "http"  # the name of every port that answers requests
# Kinds that run pods, with the version in which they are asked for.
WORKLOADS = {
    "Deployment": "apps/v1",
    "StatefulSet": "apps/v1",
    "DaemonSet": "apps/v1",
    "Job": "batch/v1",
    "CronJob": "batch/v1",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """The namespace of an environment."""

    namespace: str
    environment: str

    @classmethod
    def of(cls, environment: tetrad.Environment, cluster: tetrad.Cluster) -> Place:
        return cls(namespace=cluster.namespace, environment=environment.name)

    def labels(self, component: str, **more: str) -> dict[str, str]:
        return {
            "app.kubernetes.io/part-of": "tetrad",
            "app.kubernetes.io/managed-by": "tetrad",
            COMPONENT: component,
            "tetrad.dev/environment": self.environment.replace("/", "."),
            **{f"tetrad.dev/{name}": value for name, value in more.items()},
        }

    def metadata(
        self,
        name: str,
        component: str,
        *,
        labels: Mapping[str, str] | None = None,
        annotations: Mapping[str, str] | None = None,
    ) -> Object:
        found: Object = {
            "name": name,
            "namespace": self.namespace,
            "labels": self.labels(component, **(labels or {})),
        }
        if annotations:
            found["annotations"] = dict(annotations)
        return found


def object_name(obj: Mapping[str, Any]) -> str:
    """As kubectl writes it: KIND/NAME."""
    return f"{obj['kind']}/{obj['metadata']['name']}"


def named_by_content(name: str, content: object) -> str:
    """A name that changes with what it names, for objects that cannot be changed."""
    written = json.dumps(content, sort_keys=True)
    return f"{name}-{short(hashlib.sha256(written.encode()).hexdigest())}"


def selected(component: str, **more: str) -> dict[str, str]:
    """The labels that tell the pods of one workload from all others."""
    return {COMPONENT: component, **{f"tetrad.dev/{name}": value for name, value in more.items()}}


def pod_security(user: int = 65532) -> Object:
    return {
        "runAsNonRoot": True,
        "runAsUser": user,
        "runAsGroup": user,
        "fsGroup": user,
        "seccompProfile": {"type": "RuntimeDefault"},
    }


def container_security() -> Object:
    return {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "readOnlyRootFilesystem": True,
    }


def pod_basics(user: int = 65532) -> Object:
    """What every pod says: no service links, no account of the API but where one is named."""
    return {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": pod_security(user),
    }


def spread(labels: Mapping[str, str]) -> list[Object]:
    """Over zones and nodes where there are several; a scarce one is taken all the same."""
    return [
        {
            "maxSkew": 1,
            "topologyKey": key,
            "whenUnsatisfiable": "ScheduleAnyway",
            "labelSelector": {"matchLabels": dict(labels)},
        }
        for key in ("topology.kubernetes.io/zone", "kubernetes.io/hostname")
    ]


def http_probe(path: str, *, period_s: int, failures: int, timeout_s: int = 5) -> Object:
    return {
        "httpGet": {"path": path, "port": HTTP},
        "periodSeconds": period_s,
        "failureThreshold": failures,
        "timeoutSeconds": timeout_s,
    }


def variable(name: str, value: str) -> Object:
    return {"name": name, "value": value}


def secret_variable(name: str, secret: tetrad.SecretKey) -> Object:
    return {
        "name": name,
        "valueFrom": {"secretKeyRef": {"name": secret.secret, "key": secret.key}},
    }


def scratch(name: str, path: str) -> tuple[Object, Object]:
    """A folder that ends with the pod: its volume, and where it is mounted."""
    return {"name": name, "emptyDir": {}}, {"name": name, "mountPath": path}


def requests_and_limits(resources: Mapping[str, str]) -> Object:
    """What is asked for is what is taken, but for CPU, which is not throttled."""
    limits = {name: amount for name, amount in resources.items() if name != "cpu"}
    said = {"requests": dict(resources), "limits": limits}
    # An API server keeps no empty ones.
    return {name: amounts for name, amounts in said.items() if amounts}


def disruption_budget(
    place: Place, name: str, component: str, selector: Mapping[str, str]
) -> Object:
    """One at a time, so that a drain goes on; a pod that answers nothing does not hold it up."""
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": place.metadata(name, component),
        "spec": {
            "maxUnavailable": 1,
            "selector": {"matchLabels": dict(selector)},
            "unhealthyPodEvictionPolicy": "AlwaysAllow",
        },
    }


def service(
    place: Place, name: str, component: str, selector: Mapping[str, str], ports: Mapping[str, int]
) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": place.metadata(name, component),
        "spec": {
            "type": "ClusterIP",
            "selector": dict(selector),
            "ports": [
                {"name": port, "port": number, "targetPort": port, "protocol": "TCP"}
                for port, number in ports.items()
            ],
        },
    }


def from_pods(components: Iterable[str]) -> list[Object]:
    return [{"podSelector": {"matchLabels": {COMPONENT: name}}} for name in components]


def from_namespaces(names: Iterable[str]) -> list[Object]:
    return [
        {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": name}}}
        for name in names
    ]


def tcp(ports: Sequence[int | str]) -> list[Object]:
    return [{"protocol": "TCP", "port": port} for port in ports]


DNS: Object = {
    "to": from_namespaces(["kube-system"]),
    "ports": [{"protocol": "UDP", "port": 53}, {"protocol": "TCP", "port": 53}],
}


def allowed_traffic(
    place: Place, component: str, *, ingress: Sequence[Object] = (), egress: Sequence[Object] = ()
) -> Object:
    """What a component's pods may send and receive, beyond the default: nothing."""
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": place.metadata(component, component),
        "spec": {
            "podSelector": {"matchLabels": {COMPONENT: component}},
            "policyTypes": ["Ingress", "Egress"],
            **({"ingress": list(ingress)} if ingress else {}),
            **({"egress": list(egress)} if egress else {}),
        },
    }
