"""The objects of a model server."""

from __future__ import annotations

import math

import tetrad
from model_servers import ModelServerArgs, PinnedFiles
from objects.kubernetes import (
    HTTP,
    MODEL,
    Object,
    Place,
    container_security,
    disruption_budget,
    http_probe,
    pod_basics,
    requests_and_limits,
    scratch,
    secret_variable,
    selected,
    service,
    spread,
    variable,
)

COMPONENT = "model-server"
REFERENCE = "tetrad.dev/reference"  # of the model, in the repository
PORT = 8000  # of every service, whatever its server listens on
_DRAIN_S = 10  # in which no gateway learns of the pod any more
_STARTUP_PERIOD_S = 10
_LONGEST_STABILISATION_S = 3600  # what an autoscaler takes

# Refuses files that differ, lack, or that nobody pinned: a server may load whatever lies there.
_VERIFY = """\
set -eu
export LC_ALL=C
for pinned in /pinned/*; do
  part=${pinned##*/}
  cd "/$part"
  sha256sum --check --strict --quiet "$pinned"
  cut -c67- "$pinned" | sort >/tmp/pinned
  find -L . -type f | cut -c3- | sort >/tmp/found
  comm -13 /tmp/pinned /tmp/found | sed "s,^,not pinned: $part/," >/tmp/more
  if [ -s /tmp/more ]; then
    cat /tmp/more
    exit 1
  fi
done
"""


def model_server_objects(
    args: ModelServerArgs, place: Place, monitoring: tetrad.Monitoring | None
) -> list[Object]:
    selector = selected(COMPONENT, model=args.short)
    found = [
        *([_pinned_files(args, place)] if args.weights.digests else []),
        _deployment(args, place),
        service(place, args.name, COMPONENT, selector, {HTTP: PORT}),
        disruption_budget(place, args.name, COMPONENT, selector),
    ]
    if args.hosting.replicas.is_autoscaled and monitoring is not None:
        found.append(_scaling(args, place, monitoring))
    return found


def _deployment(args: ModelServerArgs, place: Place) -> Object:
    labels = {"model": args.short}
    annotations = {MODEL: args.digest}
    selector = selected(COMPONENT, model=args.short)
    replicas = args.hosting.replicas
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": place.metadata(
            args.name, COMPONENT, labels=labels, annotations={**annotations, **_told(args)}
        ),
        "spec": {
            # The autoscaler's to say; a number here would be written over its own.
            **({} if replicas.is_autoscaled else {"replicas": replicas.min}),
            "revisionHistoryLimit": 2,
            "progressDeadlineSeconds": math.ceil(args.starts_within_s),
            # A pod more would wait for a GPU that only the end of an old one frees.
            "strategy": {
                "type": "RollingUpdate",
                "rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1},
            },
            "selector": {"matchLabels": selector},
            "template": {
                "metadata": {
                    "labels": place.labels(COMPONENT, **labels),
                    "annotations": annotations,
                },
                "spec": _pod(args),
            },
        },
    }


def _told(args: ModelServerArgs) -> dict[str, str]:
    return {"tetrad.dev/served-name": args.served_name, REFERENCE: args.ref}


def _pod(args: ModelServerArgs) -> Object:
    hosting = args.hosting
    temporary, mounted_temporary = scratch("tmp", "/tmp")  # noqa: S108 - in a container
    volumes = [temporary, _shared_memory(), *_weights(args)]
    mounts = [mounted_temporary, {"name": "shm", "mountPath": "/dev/shm"}]  # noqa: S108
    weights = _weights_mounts(args)
    tolerations = [
        {"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"},
        *hosting.tolerations,
    ]
    return {
        **pod_basics(),
        **({"runtimeClassName": hosting.runtime_class} if hosting.runtime_class else {}),
        **({"nodeSelector": dict(hosting.node_selector)} if hosting.node_selector else {}),
        "tolerations": tolerations,
        "topologySpreadConstraints": spread(selected(COMPONENT, model=args.short)),
        "terminationGracePeriodSeconds": _DRAIN_S + math.ceil(args.timeout_s) + 10,
        **({"initContainers": [_verification(args, weights)]} if args.weights.digests else {}),
        "containers": [_container(args, [*mounts, *weights])],
        "volumes": volumes,
    }


def _container(args: ModelServerArgs, mounts: list[Object]) -> Object:
    failures = max(6, math.ceil(2 * args.load_s / _STARTUP_PERIOD_S))
    return {
        "name": "server",
        "image": args.image,
        **({"command": list(args.command)} if args.command else {}),
        **({"args": list(args.args)} if args.args else {}),
        "env": [
            variable("HOME", "/tmp"),  # noqa: S108 - in a container
            variable("USER", "tetrad"),  # which torch asks for: no image knows the pod's user
            variable("HF_HUB_OFFLINE", "1"),
            variable("VLLM_NO_USAGE_STATS", "1"),
            variable("DO_NOT_TRACK", "1"),
            *(secret_variable(*item) for item in sorted(args.hosting.secrets.items())),
        ],
        "ports": [{"name": HTTP, "containerPort": args.port, "protocol": "TCP"}],
        "resources": requests_and_limits(args.resources),
        "startupProbe": http_probe(args.health, period_s=_STARTUP_PERIOD_S, failures=failures),
        "readinessProbe": http_probe(args.health, period_s=5, failures=2),
        # A server under load answers late, and its restart would cost a loading.
        "livenessProbe": http_probe(args.health, period_s=15, failures=8, timeout_s=10),
        "lifecycle": {"preStop": {"sleep": {"seconds": _DRAIN_S}}},
        "securityContext": container_security(),
        "volumeMounts": mounts,
    }


def _verification(args: ModelServerArgs, weights: list[Object]) -> Object:
    """By the server's own image, which is there in any case."""
    return {
        "name": "verify-weights",
        "image": args.image,
        "command": ["sh", "-c", _VERIFY],
        "securityContext": container_security(),
        "volumeMounts": [
            {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108 - in a container
            {"name": "pinned", "mountPath": "/pinned", "readOnly": True},
            *weights,
        ],
    }


def _pinned_files(args: ModelServerArgs, place: Place) -> Object:
    data = {"weights": _sums(args.weights)}
    if args.adapter is not None:
        data["adapter"] = _sums(args.adapter)
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": place.metadata(
            f"weights-{args.short}", COMPONENT, labels={"model": args.short}
        ),
        "immutable": True,
        "data": data,
    }


def _sums(files: PinnedFiles) -> str:
    """As `sha256sum` reads them."""
    lines = (f"{digest[7:]}  {path}\n" for path, digest in files.digests.items())
    return "".join(lines)


def _weights(args: ModelServerArgs) -> list[Object]:
    found: list[Object] = []
    if args.weights.image is not None:
        found.append(_image_volume("weights", args.weights.image))
    elif args.hosting.weights is not None:
        claim = {"claimName": args.hosting.weights.claim, "readOnly": True}
        found.append({"name": "weights", "persistentVolumeClaim": claim})
    if args.adapter is not None and args.adapter.image is not None:
        found.append(_image_volume("adapter", args.adapter.image))
    if args.weights.digests:
        found.append({"name": "pinned", "configMap": {"name": f"weights-{args.short}"}})
    return found


def _image_volume(name: str, reference: str) -> Object:
    return {"name": name, "image": {"reference": reference, "pullPolicy": "IfNotPresent"}}


def _weights_mounts(args: ModelServerArgs) -> list[Object]:
    found: list[Object] = []
    claimed = args.hosting.weights
    if args.weights.image is not None or claimed is not None:
        found.append({"name": "weights", "mountPath": "/weights", "readOnly": True})
    if args.weights.image is None and claimed is not None and claimed.folder:
        found[0]["subPath"] = claimed.folder
    if args.adapter is not None:
        found.append({"name": "adapter", "mountPath": "/adapter", "readOnly": True})
    return found


def _shared_memory() -> Object:
    return {"name": "shm", "emptyDir": {"medium": "Memory", "sizeLimit": "8Gi"}}


def _scaling(args: ModelServerArgs, place: Place, monitoring: tetrad.Monitoring) -> Object:
    # Removing a server that is wanted again costs a loading, so it stays for longer than one takes.
    calm = max(300, int(2 * args.load_s))
    replicas = args.hosting.replicas
    # By its pods: a server with an adapter counts under the name of the model below it.
    waiting = (
        f'vllm:num_requests_waiting{{namespace="{place.namespace}",pod=~"{args.name}-[a-z0-9-]+"}}'
    )
    return {
        "apiVersion": "keda.sh/v1alpha1",
        "kind": "ScaledObject",
        "metadata": place.metadata(args.name, COMPONENT, labels={"model": args.short}),
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": args.name},
            "minReplicaCount": replicas.min,
            "maxReplicaCount": replicas.max,
            "pollingInterval": 15,
            "cooldownPeriod": calm,
            "advanced": {
                "horizontalPodAutoscalerConfig": {
                    "behavior": {
                        "scaleDown": {
                            "stabilizationWindowSeconds": min(calm, _LONGEST_STABILISATION_S),
                            "policies": [{"type": "Pods", "value": 1, "periodSeconds": 60}],
                        }
                    }
                }
            },
            "triggers": [
                {
                    "type": "prometheus",
                    "metadata": {
                        "serverAddress": monitoring.prometheus,
                        "query": f"sum({waiting})",
                        "threshold": "4",
                        # where nothing is measured, the number of servers stays
                        "ignoreNullValues": "false",
                    },
                }
            ],
        },
    }
