"""The Jobs that build the indexes of corpora, and verify those that are there.

A Job ends when its index is whole; until then gateways that need it are not ready. One that is ended
goes on with the chunks that are in the store already.
"""

from __future__ import annotations

import tetrad
from desired import Desired
from indexes import IndexArgs
from objects.kubernetes import (
    DNS,
    Object,
    Place,
    allowed_traffic,
    container_security,
    from_pods,
    named_by_content,
    pod_basics,
    requests_and_limits,
    scratch,
    tcp,
    variable,
)
from objects.vector_store import vector_store_variables

COMPONENT = "index"
_TRIES = 20  # each goes on where the one before was ended
_STORE_S = 600  # that the store may take to start
_RESOURCES = {"cpu": "1", "memory": "4Gi"}
_HTTPS = 443  # pinned files of the embedding model, and a bundle


def index_objects(desired: Desired, place: Place) -> list[Object]:
    """A Job each, and what all of them may reach."""
    hosting = desired.cluster.vector_store
    if not desired.indexes or hosting is None:
        return []
    release = next(one for one in desired.cluster.gateways if one.weight)
    return [
        allowed_traffic(
            place,
            COMPONENT,
            egress=[DNS, {"to": from_pods(["vector-store"])}, {"ports": tcp([_HTTPS])}],
        ),
        *(_job(args, release, hosting, place) for args in desired.indexes),
    ]


def _job(
    args: IndexArgs,
    release: tetrad.GatewayRelease,
    hosting: tetrad.VectorStoreHosting,
    place: Place,
) -> Object:
    labels = {"index": args.short}
    pod = _pod(args, release, hosting)
    name = named_by_content(f"index-{args.short}", pod)  # a Job's pods cannot be changed
    annotations = {"tetrad.dev/index": args.digest, "tetrad.dev/corpus": args.corpus}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": place.metadata(name, COMPONENT, labels=labels, annotations=annotations),
        "spec": {
            "backoffLimit": _TRIES,
            "template": {
                "metadata": {"labels": place.labels(COMPONENT, **labels)},
                "spec": pod,
            },
        },
    }


def _pod(
    args: IndexArgs, release: tetrad.GatewayRelease, hosting: tetrad.VectorStoreHosting
) -> Object:
    temporary, mounted_temporary = scratch("tmp", "/tmp")  # noqa: S108 - in a container
    cache, mounted_cache = scratch("cache", "/var/cache/tetrad")
    volumes, mounts = [temporary, cache], [mounted_temporary, mounted_cache]
    source = args.snapshot.bundle
    if source is None:
        source = "/snapshot"
        volumes.append({"name": "snapshot", "configMap": {"name": args.snapshot.name}})
        mounts.append({"name": "snapshot", "mountPath": "/snapshot", "readOnly": True})
    return {
        **pod_basics(),
        "restartPolicy": "OnFailure",
        "containers": [
            {
                "name": "index",
                "image": release.image,
                "args": ["index", source, "--digest", args.digest, "--wait", str(_STORE_S)],
                "env": [
                    variable("HOME", "/tmp"),  # noqa: S108 - in a container
                    variable("TETRAD_CACHE", "/var/cache/tetrad"),
                    *vector_store_variables(hosting),
                ],
                "resources": requests_and_limits(_RESOURCES),
                "securityContext": container_security(),
                "volumeMounts": mounts,
            }
        ],
        "volumes": volumes,
    }
