"""What `tetrad status` says of the model servers on a real API server with simulated nodes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from clusters import ask, image
from control_plane import ControlPlane
from provisioned import Provisioned, fresh, provisioning

from tetrad.errors import ExitCode

pytestmark = pytest.mark.campaign  # real servers, for minutes

pytest.importorskip("pulumi", reason="needs the extra infra")

MODEL = "stacks/models/large.yaml"
OTHER, MISSING = ({"vllm": {"image": image(name)}} for name in ("other", "missing"))
# What docs/deploy.md says that an account needs to see what serves.
_SEES = [
    {"apiGroups": [""], "resources": ["configmaps"], "resourceNames": ["tetrad-pointer"],
     "verbs": ["get"]},
    {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": ["list"]},
]  # fmt: skip
_SEES_SERVERS = [
    {"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["list"]},
    {"apiGroups": [""], "resources": ["pods"], "verbs": ["list"]},
]


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    with provisioning(tmp_path_factory.mktemp("plane"), strangers=["on-call"]) as plane:
        yield plane


def deploy(where: Provisioned) -> int:
    return where.tetrad("deploy", "production").returncode


def servers(where: Provisioned) -> list[dict[str, Any]]:
    done = where.tetrad("status", "production", "--format", "json")
    assert done.returncode == 0, done.stderr
    found: list[dict[str, Any]] = json.loads(done.stdout)[0]["model_servers"]
    return found


def roles(server: dict[str, Any]) -> list[str]:
    return sorted(used["role"] for used in server["used_by"])


def may(where: Provisioned, user: str, rules: list[Any]) -> None:
    group = "rbac.authorization.k8s.io"
    metadata = {"name": user, "namespace": where.namespace}
    role = {"apiVersion": f"{group}/v1", "kind": "Role", "metadata": metadata, "rules": rules}
    binding = {
        "apiVersion": f"{group}/v1",
        "kind": "RoleBinding",
        "metadata": metadata,
        "roleRef": {"apiGroup": group, "kind": "Role", "name": user},
        "subjects": [{"apiGroup": group, "kind": "User", "name": user}],
    }
    assert where.plane.apply([role, binding]).returncode == 0


def test_each_server_is_named_with_who_uses_it_and_why_it_is_not_ready(
    plane: ControlPlane, tmp_path: Path
) -> None:
    where = fresh(plane, tmp_path, retain={"identities": 1, "model_server_hours": 24})
    before = servers(where)
    assert deploy(where) == ExitCode.PASSED
    ask(where.root, "Rudely:")
    where.commit()
    assert deploy(where) == ExitCode.PASSED
    (shared,) = servers(where)
    assert where.tetrad("rollback", "production").returncode == ExitCode.PASSED
    # first nobody has as many GPUs, then nobody has the image
    where.change(MODEL, resources={"nvidia.com/gpu": 500}, engine=OTHER)
    where.commit()
    assert deploy(where) == ExitCode.REFUSED
    pending = {one["name"]: one for one in servers(where)}
    where.change(MODEL, resources={"nvidia.com/gpu": 1}, engine=MISSING)
    where.commit()
    assert deploy(where) == ExitCode.REFUSED
    text = where.tetrad("status", "production").stdout

    assert before == []
    digest = shared.pop("digest")
    assert digest.startswith(f"sha256:{shared['name'].removeprefix('model-')}")
    assert roles(shared) == ["live", "warm"]
    assert (shared["model"], shared["ready"], shared["wanted"]) == ("stacks/models/large", 1, 1)
    assert shared["why"] == []
    left = pending.pop(shared["name"])
    (lacking,) = pending.values()
    assert roles(left) == ["live", "withdrawn"]
    assert lacking["why"] == ["Pending: insufficient nvidia.com/gpu"]
    assert roles(lacking) == ["merged"]
    assert re.search(
        r"^  model-\w{12} \(stacks/models/large\), 0 of 1 ready: ImagePullBackOff\n"
        r"    merged: stacks/large \w{12}\n",
        text,
        re.MULTILINE,
    )


def test_who_sees_no_deployments_is_told_what_serves_and_that_the_rest_is_unknown(
    plane: ControlPlane, tmp_path: Path
) -> None:
    where = fresh(plane, tmp_path)
    assert deploy(where) == ExitCode.PASSED
    name = where.server()
    where.environment["KUBECONFIG"] = str(plane.kubeconfig("prod", user="on-call"))
    may(where, "on-call", _SEES)
    unknown = where.tetrad("status", "production")
    may(where, "on-call", [*_SEES, *_SEES_SERVERS])
    known = where.tetrad("status", "production")
    where.kubectl("delete", "deployment", name)
    gone = where.tetrad("status", "production")

    assert unknown.returncode == ExitCode.INCONCLUSIVE
    assert "  live  stacks/large " in unknown.stdout
    assert 'cannot list resource "deployments"' in unknown.stderr
    assert known.returncode == ExitCode.PASSED, known.stderr
    assert f"  {name} (stacks/models/large), 1 of 1 ready\n    live: stacks/large " in known.stdout
    assert f"  {name} (stacks/models/large), 0 of 1 ready: there is no Deployment\n" in gone.stdout
