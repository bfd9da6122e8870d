"""The objects of self-hosted runners for the gate's job.

A runner is a pod that takes one job and ends: nothing of a job is there for the next. A Job that is
never complete starts another in its place.
"""

from __future__ import annotations

import tetrad
from objects.kubernetes import (
    DNS,
    Object,
    Place,
    allowed_traffic,
    container_security,
    named_by_content,
    pod_basics,
    requests_and_limits,
    scratch,
    secret_variable,
    tcp,
    variable,
)
from quantities import quantity

COMPONENT = "runner"
_ENDLESS = 2**31 - 1


def gpu_runner_objects(hosting: tetrad.RunnerHosting, place: Place) -> list[Object]:
    pod = _pod(hosting)
    name = named_by_content("runner", pod)  # a Job's pods cannot be changed
    return [
        {
            "apiVersion": "batch/v1",
            "kind": "Job",
            "metadata": place.metadata(name, COMPONENT),
            "spec": {
                "parallelism": hosting.replicas,
                "completions": _ENDLESS,
                "backoffLimit": _ENDLESS,
                "template": {"metadata": {"labels": place.labels(COMPONENT)}, "spec": pod},
            },
        },
        allowed_traffic(place, COMPONENT, egress=[DNS, _forge(hosting)]),
    ]


def _forge(hosting: tetrad.RunnerHosting) -> Object:
    return {"to": [{"ipBlock": {"cidr": cidr}} for cidr in hosting.egress], "ports": tcp([443])}


def _pod(hosting: tetrad.RunnerHosting) -> Object:
    temporary, mounted_temporary = scratch("tmp", "/tmp")  # noqa: S108 - in a container
    work, mounted_work = scratch("work", "/work")
    resources = {name: quantity(amount) for name, amount in sorted(hosting.resources.items())}
    gpu = {"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}
    return {
        **pod_basics(),
        "restartPolicy": "Never",
        **({"nodeSelector": dict(hosting.node_selector)} if hosting.node_selector else {}),
        "tolerations": [gpu, *hosting.tolerations],
        "containers": [
            {
                "name": "runner",
                "image": hosting.image,
                "env": [
                    variable("HOME", "/work"),
                    variable("RUNNER_URL", hosting.url),
                    secret_variable("RUNNER_TOKEN", hosting.token),
                ],
                "resources": requests_and_limits(resources),
                "securityContext": container_security(),
                "volumeMounts": [mounted_temporary, mounted_work],
            }
        ],
        "volumes": [temporary, work],
    }
