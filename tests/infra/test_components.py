"""The program's resources, by Pulumi's mocks: no engine, no cluster."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from clusters import EXAMPLES, example

from objects.everything import object_groups
from objects.kubernetes import Object

pytest.importorskip("pulumi", reason="needs the extra infra")

ROOT = Path(__file__).parents[2]
Resource: TypeAlias = dict[str, Any]
_ORDERS = "pulumi.com/"


@pytest.fixture
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.getbasetemp() / "mocked"


@cache
def provisioned(folder: Path, name: str) -> tuple[Resource, ...]:
    """The resources of the program."""
    path = os.pathsep.join(str(ROOT / name) for name in ("infra", "tests"))
    command = [sys.executable, str(ROOT / "tests/mocked_pulumi.py"), name, str(folder / name)]
    result = subprocess.run(
        command, capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": path}
    )
    assert result.returncode == 0, result.stderr
    found: list[Resource] = json.loads(result.stdout)
    return tuple(found)


def applied(resources: tuple[Resource, ...]) -> list[Object]:
    """What the provider would apply, without its own orders."""
    found = []
    for resource in resources:
        if resource["type"].startswith("kubernetes:"):
            metadata = dict(resource["inputs"]["metadata"])
            annotations = metadata.pop("annotations", {})
            kept = {k: v for k, v in annotations.items() if not k.startswith(_ORDERS)}
            if kept:
                metadata["annotations"] = kept
            found.append({**resource["inputs"], "metadata": metadata})
    return sorted(found, key=_key)


def _key(obj: Object) -> tuple[str, str]:
    return obj["kind"], obj["metadata"]["name"]


@pytest.mark.parametrize("name", EXAMPLES)
def test_pulumi_applies_what_is_rendered(name: str, folder: Path, tmp_path: Path) -> None:
    groups = object_groups(example(tmp_path, name))
    rendered = [obj for group in groups.values() for obj in group]

    assert applied(provisioned(folder, name)) == sorted(rendered, key=_key)


def test_each_server_and_each_part_is_a_component(folder: Path) -> None:
    types = Counter(resource["type"] for resource in provisioned(folder, "full"))

    assert {name.rsplit(":", 1)[-1]: n for name, n in types.items() if "tetrad:" in name} == {
        "Admission": 1,
        "Gateway": 1,
        "GpuRunner": 1,
        "ModelServer": 3,
        "Observability": 1,
        "Snapshots": 1,
        "VectorStore": 1,
    }


def test_what_is_not_declared_is_no_component(folder: Path) -> None:
    types = {resource["type"] for resource in provisioned(folder, "small")}

    assert {name for name in types if "tetrad:" in name} == {
        "tetrad:serving:Admission",
        "tetrad:serving:Gateway",
        "tetrad:serving:ModelServer",
        "tetrad:serving:Snapshots",
    }


def test_objects_are_of_the_types_that_the_provider_knows(folder: Path) -> None:
    types = {resource["type"] for resource in provisioned(folder, "full")}

    assert {
        "kubernetes:core/v1:ConfigMap",
        "kubernetes:apps/v1:Deployment",
        "kubernetes:gateway.networking.k8s.io/v1:HTTPRoute",
        "kubernetes:keda.sh/v1alpha1:ScaledObject",
    } <= types


def test_the_provider_repairs_edits_and_waits_for_no_pods(folder: Path) -> None:
    orders = {
        resource["name"]: resource["inputs"]["metadata"]["annotations"]
        for resource in provisioned(folder, "small")
        if resource["type"] == "kubernetes:apps/v1:Deployment"
    }

    assert len(orders) == 2
    for given in orders.values():
        assert given["pulumi.com/patchForce"] == "true"
        assert given["pulumi.com/skipAwait"] == "true"


def test_the_provider_is_that_of_the_environments_cluster(folder: Path) -> None:
    (provider,) = [
        r for r in provisioned(folder, "small") if r["type"] == "pulumi:providers:kubernetes"
    ]

    assert provider["inputs"] == {"context": "prod", "enableServerSideApply": "true"}


def test_the_program_is_wiring() -> None:
    assert len((ROOT / "infra/__main__.py").read_text().splitlines()) < 60
