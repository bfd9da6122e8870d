"""A gateway starts by what its Deployment says, and follows the environment's pointer."""

from __future__ import annotations

from pathlib import Path

import pytest
from clusters import SMALL, clustered, desired_of, point_at
from rendered_gateway import rendered_gateway

from objects.everything import object_groups

pytest.importorskip("starlette", reason="needs the extra gateway")


def test_it_starts_and_says_which_model_server_it_misses(tmp_path: Path) -> None:
    root = clustered(tmp_path / "repository", SMALL)
    point_at(root)
    desired = desired_of(root)
    objects = [obj for group in object_groups(desired).values() for obj in group]
    registry = {"TETRAD_REGISTRY": str(root / ".tetrad/registry.db")}

    with rendered_gateway(objects, tmp_path, registry) as gateway:
        # No name service here knows the server, whose address comes from the model's digest.
        missing = f"http://{desired.models[0].name}.llm.svc:8000/v1"
        gateway.wait_for("/readyz", 503, missing)
