"""The objects of the gateways: a Deployment per release, and the route between them.

A release serves every identity of the environment. What it serves from, and what the pointer says, it
reads by itself, so that neither a new identity nor a rollback changes an object here.
"""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Sequence

import tetrad
from desired import Desired
from objects.kubernetes import (
    DNS,
    HTTP,
    Object,
    Place,
    allowed_traffic,
    container_security,
    disruption_budget,
    from_namespaces,
    from_pods,
    http_probe,
    named_by_content,
    pod_basics,
    requests_and_limits,
    scratch,
    secret_variable,
    selected,
    service,
    spread,
    tcp,
    variable,
)
from objects.model_server import PORT as MODEL_PORT
from objects.vector_store import vector_store_variables
from quantities import quantity

COMPONENT = "gateway"
NAME = "gateway"
PORT = 8080
_DRAIN_S = 10
_UNREADY_S = 2  # from SIGTERM until it listens no longer
_LEAST_GRACE_S = 60
_GRACE_STEP_S = 300  # so that few changes of a model's or tool's limits of time restart gateways
_ED25519 = bytes.fromhex("302a300506032b6570032100")  # RFC 8410: what precedes a raw public key
_CPU_PERCENT = 70
_TLS_PORTS = (443, 5432, 6443)  # vendors and pinned files, the registry, the API server


def shared_gateway_objects(desired: Desired, place: Place) -> list[Object]:
    """What all releases have in common."""
    return [
        {
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": place.metadata(NAME, COMPONENT),
            "automountServiceAccountToken": False,
        },
        _role(place),
        _role_binding(place),
        _trusted(desired.environment, place),
        _traffic(desired, place),
        *_route(desired.cluster, place),
    ]


def gateway_objects(release: tetrad.GatewayRelease, desired: Desired, place: Place) -> list[Object]:
    """What one release is made of."""
    name = gateway_name(release)
    selector = selected(COMPONENT, release=release.release)
    found = [
        _deployment(release, desired, place),
        service(place, name, COMPONENT, selector, {HTTP: PORT}),
        disruption_budget(place, name, COMPONENT, selector),
    ]
    if release.replicas.is_autoscaled:
        found.append(_scaling(release, place))
    return found


def gateway_name(release: tetrad.GatewayRelease) -> str:
    return f"{NAME}-{release.release.replace('.', '-')}"


def _deployment(release: tetrad.GatewayRelease, desired: Desired, place: Place) -> Object:
    labels = {"release": release.release}
    replicas = release.replicas
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": place.metadata(gateway_name(release), COMPONENT, labels=labels),
        "spec": {
            **({} if replicas.is_autoscaled else {"replicas": replicas.min}),
            "revisionHistoryLimit": 2,
            "strategy": {
                "type": "RollingUpdate",
                "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0},
            },
            "selector": {"matchLabels": selected(COMPONENT, **labels)},
            "template": {
                "metadata": {"labels": place.labels(COMPONENT, **labels)},
                "spec": _pod(release, desired, place),
            },
        },
    }


def _pod(release: tetrad.GatewayRelease, desired: Desired, place: Place) -> Object:
    temporary, mounted_temporary = scratch("tmp", "/tmp")  # noqa: S108 - in a container
    cache, mounted_cache = scratch("cache", "/var/cache/tetrad")
    trusted = {"name": "trusted", "configMap": {"name": _trusted_name(desired.environment)}}
    trusted["configMap"]["items"] = [  # type: ignore[index]
        {"key": _key_of(path), "path": path} for path in _trusted_files(desired.environment)
    ]
    mounts = [
        mounted_temporary,
        mounted_cache,
        {"name": "trusted", "mountPath": "/etc/tetrad", "readOnly": True},
    ]
    return {
        **pod_basics(),
        "serviceAccountName": NAME,
        "automountServiceAccountToken": True,
        "topologySpreadConstraints": spread(selected(COMPONENT, release=release.release)),
        "terminationGracePeriodSeconds": _DRAIN_S + _UNREADY_S + _grace_s(desired) + 10,
        "containers": [_container(release, desired, place, mounts)],
        "volumes": [temporary, cache, trusted],
    }


def _grace_s(desired: Desired) -> int:
    """How long answers under way have; a gateway ends as soon as there are none."""
    declared = desired.environment.retain.grace_s
    if declared is not None:
        return math.ceil(declared)
    longest = math.ceil(desired.longest_answer_s / _GRACE_STEP_S) * _GRACE_STEP_S
    return max(_LEAST_GRACE_S, longest)


def _container(
    release: tetrad.GatewayRelease, desired: Desired, place: Place, mounts: list[Object]
) -> Object:
    environment = desired.environment.name
    serve = ["--host", "0.0.0.0", "--port", str(PORT)]  # noqa: S104 - in a pod of its own
    registry, vectors = desired.cluster.registry, desired.cluster.vector_store
    return {
        "name": "gateway",
        "image": release.image,
        "args": ["-C", "/etc/tetrad", "serve", environment, *serve],
        "env": [
            variable("HOME", "/tmp"),  # noqa: S108 - in a container
            variable("TETRAD_CACHE", "/var/cache/tetrad"),
            variable("TETRAD_MODEL_SERVERS", model_server_address(place)),
            *([secret_variable("TETRAD_REGISTRY", registry)] if registry else []),
            *(
                variable(name, "") if secret is None else secret_variable(name, secret)
                for name, secret in sorted(desired.keys.items())
            ),
            *([] if vectors is None else vector_store_variables(vectors)),
            *_collector(desired),
        ],
        "ports": [{"name": HTTP, "containerPort": PORT, "protocol": "TCP"}],
        "resources": requests_and_limits(
            {"cpu": "500m", "memory": "1Gi"}
            | {name: quantity(amount) for name, amount in release.resources.items()}
        ),
        "startupProbe": http_probe("/healthz", period_s=2, failures=60),
        "readinessProbe": http_probe("/readyz", period_s=2, failures=2),
        "livenessProbe": http_probe("/healthz", period_s=10, failures=6),
        "lifecycle": {"preStop": {"sleep": {"seconds": _DRAIN_S}}},
        "securityContext": container_security(),
        "volumeMounts": mounts,
    }


def model_server_address(place: Place) -> str:
    """Where the server of a model is, by the first digits of its digest."""
    return f"http://model-{{digest}}.{place.namespace}.svc:{MODEL_PORT}/v1"


def _collector(desired: Desired) -> list[Object]:
    monitoring = desired.cluster.monitoring
    if monitoring is None or monitoring.collector is None:
        return []
    return [variable("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318")]


def _trusted(environment: tetrad.Environment, place: Place) -> Object:
    """Whose pointers count: the keys of the deployers, and nothing else of the repository."""
    files = _trusted_files(environment)
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": place.metadata(_trusted_name(environment), COMPONENT),
        "immutable": True,
        "data": {_key_of(path): text for path, text in files.items()},
    }


def _trusted_name(environment: tetrad.Environment) -> str:
    return named_by_content("trusted", _trusted_files(environment))


def _trusted_files(environment: tetrad.Environment) -> dict[str, str]:
    """A repository that holds the environment's name, where it is, and its deployers."""
    deployers = [s for s in environment.signers.values() if s.role == "deployer"]
    signers: Object = {}
    files = {}
    for signer in sorted(deployers, key=lambda signer: signer.name):
        path = f"infra/keys/{signer.name}.pub"
        signers[signer.name] = {"role": "deployer", "ed25519": path}
        if signer.valid is not None:
            signers[signer.name]["valid"] = [str(day) for day in signer.valid]
        if signer.revoked is not None:
            signers[signer.name]["revoked"] = str(signer.revoked)
        assert isinstance(signer.key, bytes)  # noqa: S101 - as of every deployer
        key = base64.b64encode(_ED25519 + signer.key).decode()
        files[path] = f"-----BEGIN PUBLIC KEY-----\n{key}\n-----END PUBLIC KEY-----\n"
    assert environment.cluster is not None  # noqa: S101 - as of every environment that has gateways
    cluster = {"context": environment.cluster.context, "namespace": environment.cluster.namespace}
    document = {
        "kind": "environment",
        "target": "kubernetes",
        "kubernetes": cluster,
        **({"signers": signers} if signers else {}),
    }
    files[environment.location.file] = json.dumps(document, indent=2) + "\n"
    return files


def _key_of(path: str) -> str:
    return path.replace("/", ".")


def _role(place: Place) -> Object:
    """Snapshots and the pointer are ConfigMaps, whose names are not known beforehand. Each gateway
    says in a Lease of its own what it follows, and deletes those of gateways that are long gone; that
    it writes no others, an admission policy says, since the names come with the pods.
    """
    leases = ["create", "delete", "list", "patch"]
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "Role",
        "metadata": place.metadata(NAME, COMPONENT),
        "rules": [
            {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get", "list", "watch"]},
            {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": leases},
        ],
    }


def _role_binding(place: Place) -> Object:
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "metadata": place.metadata(NAME, COMPONENT),
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": NAME},
        "subjects": [{"kind": "ServiceAccount", "name": NAME, "namespace": place.namespace}],
    }


def _route(cluster: tetrad.Cluster, place: Place) -> list[Object]:
    if cluster.gateway is None:
        return []
    namespace, _, name = cluster.gateway.partition("/")
    releases: Sequence[tetrad.GatewayRelease] = cluster.gateways
    return [
        {
            "apiVersion": "gateway.networking.k8s.io/v1",
            "kind": "HTTPRoute",
            "metadata": place.metadata(NAME, COMPONENT),
            "spec": {
                "parentRefs": [
                    {
                        "group": "gateway.networking.k8s.io",
                        "kind": "Gateway",
                        "namespace": namespace,
                        "name": name,
                    }
                ],
                **({"hostnames": list(cluster.hostnames)} if cluster.hostnames else {}),
                "rules": [
                    {
                        "matches": [{"path": {"type": "PathPrefix", "value": "/"}}],
                        "backendRefs": [
                            {
                                "group": "",
                                "kind": "Service",
                                "name": gateway_name(release),
                                "port": PORT,
                                "weight": release.weight,
                            }
                            for release in releases
                        ],
                    }
                ],
            },
        }
    ]


def _traffic(desired: Desired, place: Place) -> Object:
    cluster = desired.cluster
    askers = [cluster.gateway.partition("/")[0]] if cluster.gateway else []
    if cluster.monitoring is not None:
        askers.append(cluster.monitoring.namespace)
    ingress: Object = {"ports": tcp([HTTP])}
    if askers:
        ingress["from"] = from_namespaces(sorted(set(askers)))
    return allowed_traffic(
        place,
        COMPONENT,
        ingress=[ingress],
        egress=[
            DNS,
            {"to": from_pods(["model-server", "vector-store", "collector"])},
            {"ports": tcp(_TLS_PORTS)},
        ],
    )


def _scaling(release: tetrad.GatewayRelease, place: Place) -> Object:
    name = gateway_name(release)
    metric = {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": _CPU_PERCENT}}
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": place.metadata(name, COMPONENT),
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": name},
            "minReplicas": release.replicas.min,
            "maxReplicas": release.replicas.max,
            "metrics": [{"type": "Resource", "resource": metric}],
        },
    }
