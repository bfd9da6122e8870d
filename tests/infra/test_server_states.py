"""What is said in a word of a model server of which not every pod is ready."""

from __future__ import annotations

from typing import Any

import pytest

from server_states import server_state

READY = {"type": "Ready", "status": "True"}
LACKING = {
    "type": "PodScheduled",
    "status": "False",
    "reason": "Unschedulable",
    "message": "0/3 nodes are available: 1 Insufficient memory, 2 Insufficient nvidia.com/gpu, 1 node(s)"
    " had untolerated taint(s). preemption: 0/3 nodes are available: 3 No preemption victims found.",
}
TAINTED = {**LACKING, "message": "0/1 nodes are available: 1 node(s) had untolerated taint(s)."}
OF_LOADING: dict[str, Any] = {"running": {"startedAt": "2026-11-30T00:00:00Z"}}


def deployment(wanted: int | None, ready: int, *conditions: dict[str, str]) -> dict[str, Any]:
    spec = {} if wanted is None else {"replicas": wanted}
    return {"spec": spec, "status": {"readyReplicas": ready, "conditions": list(conditions)}}


def pod(*conditions: dict[str, str], **status: Any) -> dict[str, Any]:
    return {"metadata": {"name": "a"}, "status": {"conditions": list(conditions), **status}}


def server(state: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"containerStatuses": [{"name": "server", "state": state, "started": False, **more}]}


def why(*pods: dict[str, Any]) -> tuple[str, ...]:
    return server_state(deployment(len(pods), 0), pods, 1).why


@pytest.mark.parametrize(
    ("found", "word"),
    [
        (pod(), "starting"),
        (pod(LACKING), "Pending: insufficient memory, nvidia.com/gpu"),
        (pod(TAINTED), "Pending: 0/1 nodes are available: 1 node(s) had untolerated taint(s)."),
        (pod(**server({"waiting": {"reason": "ContainerCreating"}})), "starting"),
        (pod(**server({"waiting": {"reason": "ImagePullBackOff"}})), "ImagePullBackOff"),
        (pod(**server({"waiting": {"reason": "ErrImagePull"}})), "ErrImagePull"),
        (pod(**server(OF_LOADING)), "still loading"),
        (pod(**server(OF_LOADING, started=True)), "not ready"),
        (
            pod(
                **server(
                    {"waiting": {"reason": "CrashLoopBackOff"}},
                    lastState={"terminated": {"reason": "OOMKilled", "exitCode": 137}},
                )
            ),
            "CrashLoopBackOff: OOMKilled, exit code 137",
        ),
        (
            pod(**server({"terminated": {"reason": "Error", "exitCode": 1}})),
            "Error, exit code 1",
        ),
        (
            pod(
                **server({"waiting": {"reason": "PodInitializing"}}),
                initContainerStatuses=[{"name": "verify-weights", "state": OF_LOADING}],
            ),
            "verifying weights",
        ),
        (
            pod(
                **server({"waiting": {"reason": "PodInitializing"}}),
                initContainerStatuses=[
                    {
                        "name": "verify-weights",
                        "state": {"terminated": {"reason": "Error", "exitCode": 1}},
                    }
                ],
            ),
            "Error, exit code 1",
        ),
        (
            pod(
                **server(OF_LOADING),
                initContainerStatuses=[
                    {
                        "name": "verify-weights",
                        "state": {"terminated": {"reason": "Completed", "exitCode": 0}},
                    }
                ],
            ),
            "still loading",
        ),
    ],
)
def test_why_a_pod_is_not_ready_is_said_in_a_word(found: dict[str, Any], word: str) -> None:
    assert why(found) == (word,)


def test_what_several_pods_wait_for_is_said_once() -> None:
    found = why(pod(LACKING), pod(LACKING), pod(**server(OF_LOADING)), pod(READY))

    assert found == ("Pending: insufficient memory, nvidia.com/gpu", "still loading")


def test_of_a_server_that_is_ready_nothing_more_is_said() -> None:
    ending = pod(**server(OF_LOADING))
    ending["metadata"]["deletionTimestamp"] = "2026-11-30T00:00:00Z"

    state = server_state(deployment(2, 2), [pod(READY), pod(READY), ending], 1)

    assert (state.ready, state.wanted, state.why) == (2, 2, ())
    assert server_state(deployment(0, 0), [], 1).why == ()


def test_pods_that_are_not_made_are_counted_or_have_their_reason() -> None:
    quota = {
        "type": "ReplicaFailure",
        "status": "True",
        "reason": "FailedCreate",
        "message": "exceeded quota",
    }

    assert server_state(deployment(3, 1), [pod(READY)], 1).why == ("2 not made yet",)
    assert server_state(deployment(3, 0, quota), [], 1).why == ("FailedCreate: exceeded quota",)


def test_a_server_that_is_gone_has_none_of_the_pods_that_its_environment_wants() -> None:
    state = server_state(None, [], 2)

    assert (state.ready, state.wanted, state.why) == (0, 2, ("there is no Deployment",))
