"""The objects of the vector store: PostgreSQL with pgvector."""

from __future__ import annotations

import tetrad
from objects.kubernetes import (
    Object,
    Place,
    allowed_traffic,
    container_security,
    disruption_budget,
    from_pods,
    pod_basics,
    scratch,
    secret_variable,
    selected,
    service,
    tcp,
    variable,
)

COMPONENT = "vector-store"
NAME = "vector-store"
_PORT = 5432
_POSTGRES = 999  # the user of PostgreSQL's own images


def vector_store_objects(hosting: tetrad.VectorStoreHosting, place: Place) -> list[Object]:
    selector = selected(COMPONENT)
    return [
        _stateful_set(hosting, place),
        service(place, NAME, COMPONENT, selector, {"postgres": _PORT}),
        disruption_budget(place, NAME, COMPONENT, selector),
        allowed_traffic(
            place,
            COMPONENT,
            ingress=[{"from": from_pods(["gateway", "index"]), "ports": tcp(["postgres"])}],
        ),
    ]


def vector_store_variables(hosting: tetrad.VectorStoreHosting) -> list[Object]:
    """By which a pod finds the store."""
    return [
        variable("TETRAD_VECTOR_STORE", f"postgresql://postgres@{NAME}:{_PORT}/postgres"),
        secret_variable("TETRAD_VECTOR_STORE_PASSWORD", hosting.password),
    ]


def _stateful_set(hosting: tetrad.VectorStoreHosting, place: Place) -> Object:
    claim: Object = {
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": hosting.storage}},
    }
    if hosting.storage_class is not None:
        claim["storageClassName"] = hosting.storage_class
    return {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": place.metadata(NAME, COMPONENT),
        "spec": {
            "serviceName": NAME,
            "replicas": 1,
            "selector": {"matchLabels": selected(COMPONENT)},
            # What took hours to embed is not removed with the set.
            "persistentVolumeClaimRetentionPolicy": {
                "whenDeleted": "Retain",
                "whenScaled": "Retain",
            },
            "template": {
                "metadata": {"labels": place.labels(COMPONENT)},
                "spec": _pod(hosting),
            },
            "volumeClaimTemplates": [{"metadata": {"name": "data"}, "spec": claim}],
        },
    }


def _pod(hosting: tetrad.VectorStoreHosting) -> Object:
    temporary, mounted_temporary = scratch("tmp", "/tmp")  # noqa: S108 - in a container
    sockets, mounted_sockets = scratch("sockets", "/var/run/postgresql")
    ready = {"exec": {"command": ["pg_isready", "--username", "postgres"]}, "timeoutSeconds": 5}
    return {
        **pod_basics(_POSTGRES),
        "terminationGracePeriodSeconds": 120,
        "containers": [
            {
                "name": "postgres",
                "image": hosting.image,
                "env": [
                    variable("PGDATA", "/var/lib/postgresql/data/pgdata"),
                    secret_variable("POSTGRES_PASSWORD", hosting.password),
                ],
                "ports": [{"name": "postgres", "containerPort": _PORT, "protocol": "TCP"}],
                "resources": {"requests": {"cpu": "500m", "memory": "2Gi"}},
                "startupProbe": {**ready, "periodSeconds": 5, "failureThreshold": 60},
                "readinessProbe": {**ready, "periodSeconds": 5, "failureThreshold": 2},
                "livenessProbe": {**ready, "periodSeconds": 15, "failureThreshold": 6},
                "securityContext": container_security(),
                "volumeMounts": [
                    {"name": "data", "mountPath": "/var/lib/postgresql/data"},
                    mounted_temporary,
                    mounted_sockets,
                ],
            }
        ],
        "volumes": [temporary, sockets],
    }
