"""What tests of the infrastructure share; some have an API server of their own in its place."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from control_plane import ControlPlane
from provisioned import provisioning


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    with provisioning(tmp_path_factory.mktemp("plane")) as plane:
        yield plane
