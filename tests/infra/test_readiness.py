"""What Kubernetes says of a workload that is not ready, and how long that may last."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
from clusters import EVERY, FULL, SMALL, clustered, desired_of, image

from objects.everything import objects_by_name
from readiness import Awaited, awaited, problems, ready_pods, wanted_pods

UNPINNED = {"openai": {"model": "large", "base_url_env": "LARGE_URL"}}
AWAITED = Awaited(
    api_version="apps/v1",
    kind="Deployment",
    name="model-a",
    what="stacks/models/a",
    selector="a=b",
    least=2,
    within_s=900,
    places_s=300,
)


def workload(*conditions: dict[str, str], **status: Any) -> dict[str, Any]:
    return {
        "metadata": {"generation": 2},
        "spec": {"replicas": 3},
        "status": {"observedGeneration": 2, "conditions": list(conditions), **status},
    }


def pod(container: dict[str, Any], **status: Any) -> dict[str, Any]:
    statuses = [{"name": "server", "restartCount": 0, **container}]
    return {"metadata": {"name": "a-1"}, "status": {"containerStatuses": statuses, **status}}


def test_servers_of_the_merged_state_are_waited_for_by_their_load_time(tmp_path: Path) -> None:
    """Verifying weights reads all that loading reads, before the server starts."""
    (server,) = awaited(desired_of(clustered(tmp_path, SMALL)))

    assert server.what == "stacks/models/large"
    assert server.within_s == 2 * (240 + 240) + 300
    assert server.selector.startswith("app.kubernetes.io/component=model-server,tetrad.dev/model=")


def test_a_server_without_pinned_files_has_nothing_to_verify(tmp_path: Path) -> None:
    changes: dict[str, Any] = {
        "files": {},
        "source": "vendor://acme/large-2026-01-01",
        "engine": UNPINNED,
    }
    hosted = copy.deepcopy(SMALL)
    hosted["models"]["stacks/models/large"]["server"] = {"image": image("sglang"), "args": []}
    (server,) = awaited(desired_of(clustered(tmp_path, hosted, **changes)))

    assert server.within_s == 2 * 240 + 300


def test_pods_that_an_update_replaces_one_after_the_other_have_as_long_each(tmp_path: Path) -> None:
    desired = desired_of(clustered(tmp_path, FULL))  # two pods
    (server,) = (one for one in awaited(desired) if one.kind == "Deployment")
    deployment = objects_by_name(desired)[f"Deployment/{server.name}"]

    assert server.within_s == 2 * (2 * (240 + 240) + 300)
    assert deployment["spec"]["progressDeadlineSeconds"] == 2 * (240 + 240) + 300


def test_the_vector_store_is_waited_for_and_endless_jobs_are_not(tmp_path: Path) -> None:
    found = awaited(desired_of(clustered(tmp_path, FULL, EVERY, searching=True)))

    assert {one.kind for one in found} >= {"Deployment", "StatefulSet"}
    assert not any(one.name.startswith("runner") for one in found)


@pytest.mark.parametrize(
    ("status", "ready"),
    [
        ({}, 0),
        ({"availableReplicas": 2, "updatedReplicas": 2}, 2),
        ({"availableReplicas": 2, "updatedReplicas": 1}, 1),  # one is of the version before
        ({"availableReplicas": 2, "updatedReplicas": 2, "observedGeneration": 1}, 0),
    ],
)
def test_pods_of_the_newest_version_count(status: dict[str, Any], ready: int) -> None:
    assert ready_pods(AWAITED, workload(**status)) == ready


def test_an_autoscaled_server_is_ready_by_what_its_autoscaler_asked_for() -> None:
    assert wanted_pods(AWAITED, {"spec": {"replicas": 1}}) == 1
    assert wanted_pods(AWAITED, {"spec": {"replicas": 5}}) == 2
    assert wanted_pods(AWAITED, {"spec": {}}) == 1


def test_a_finished_job_is_ready() -> None:
    job = Awaited(**{**vars(AWAITED), "kind": "Job", "least": 1})

    assert ready_pods(job, {"status": {}}) == 0
    assert ready_pods(job, {"status": {"succeeded": 1}}) == 1


UNSCHEDULABLE = {
    "type": "PodScheduled",
    "status": "False",
    "reason": "Unschedulable",
    "message": "0/3 nodes are available",
}


@pytest.mark.parametrize(
    ("found", "text"),
    [
        (pod({"state": {"waiting": {"reason": "ContainerCreating"}}}), None),
        (pod({"state": {"waiting": {"reason": "ErrImagePull"}}}), None),
        (
            pod({"state": {"waiting": {"reason": "ImagePullBackOff", "message": "not found"}}}),
            "pod a-1: server: ImagePullBackOff: not found",
        ),
        (
            pod(
                {
                    "state": {"waiting": {"reason": "CrashLoopBackOff"}},
                    "lastState": {"terminated": {"reason": "OOMKilled", "exitCode": 137}},
                    "restartCount": 3,
                }
            ),
            "pod a-1: server ended: OOMKilled, exit code 137, 3 restarts",
        ),
        (
            pod({"state": {"terminated": {"reason": "Error", "exitCode": 1}}}),
            "pod a-1: server ended: Error, exit code 1, 0 restarts",
        ),
        (pod({"state": {"terminated": {"reason": "Completed", "exitCode": 0}}}), None),
        (
            pod({"state": {}}, conditions=[UNSCHEDULABLE]),
            "pod a-1: Unschedulable: 0/3 nodes are available",
        ),
        (
            pod(
                {"state": {"waiting": {"reason": "CreateContainerConfigError", "message": "no a"}}}
            ),
            "pod a-1: server: CreateContainerConfigError: no a",
        ),
    ],
)
def test_what_is_wrong_with_a_pod_is_said(found: dict[str, Any], text: str | None) -> None:
    said = [one.text for one in problems(AWAITED, workload(), [found])]

    assert said == ([] if text is None else [text])


def test_a_node_that_is_ordered_has_as_long_as_loading_takes() -> None:
    (found,) = problems(AWAITED, workload(), [pod({"state": {}}, conditions=[UNSCHEDULABLE])])

    assert found.patience_s == 300


@pytest.mark.parametrize(
    ("condition", "patience_s"),
    [
        ({"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate"}, 30.0),
        (
            {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"},
            0.0,
        ),
    ],
)
def test_what_keeps_pods_from_coming_is_said(condition: dict[str, str], patience_s: float) -> None:
    (found,) = problems(AWAITED, workload({**condition, "message": "quota"}), [])

    assert found.text == f"{condition['reason']}: quota"
    assert found.patience_s == patience_s


def test_a_job_that_failed_is_not_waited_for() -> None:
    job = Awaited(**{**vars(AWAITED), "kind": "Job"})
    failed = {"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded", "message": "a"}

    (found,) = problems(job, workload(failed), [])

    assert (found.text, found.patience_s) == ("BackoffLimitExceeded: a", 0.0)


def test_a_job_whose_pod_ended_is_waited_for_as_long_as_it_tries_again() -> None:
    job = Awaited(**{**vars(AWAITED), "kind": "Job"})
    ended = pod({"state": {"terminated": {"reason": "Error", "exitCode": 1}}})

    (found,) = problems(job, workload(), [ended])

    assert found.patience_s == job.within_s
