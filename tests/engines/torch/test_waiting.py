"""What OpenMP is told before torch loads it, as OpenMP itself says."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

PROGRAM = """
from pathlib import Path
from tetrad.engines.torch import build_torch_engine
from tetrad.errors import Location
from tetrad.model import Model, Source, TorchEngine
model = Model(ref="m", location=Location("m"), engine=TorchEngine(),
              source=Source(uri="file://m", scheme="file"))
build_torch_engine(model, {}, cache=Path("."))
import torch
"""


@pytest.mark.skipif(sys.platform != "linux", reason="torch brings GNU's OpenMP on Linux only")
@pytest.mark.parametrize(
    ("chosen", "told"),
    [
        ({}, "GOMP_SPINCOUNT = '300'"),
        ({"GOMP_SPINCOUNT": "17"}, "GOMP_SPINCOUNT = '17'"),
        ({"OMP_WAIT_POLICY": "passive"}, "GOMP_SPINCOUNT = '0'"),
    ],
    ids=["ours", "the user's", "the user's policy"],
)
def test_threads_spin_briefly_unless_the_user_says_how_long(
    tmp_path: Path, chosen: Mapping[str, str], told: str
) -> None:
    unset = {"GOMP_SPINCOUNT", "OMP_WAIT_POLICY"}
    environment = {key: value for key, value in os.environ.items() if key not in unset}

    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env={**environment, **chosen, "OMP_DISPLAY_ENV": "verbose"},
        cwd=tmp_path,
        check=True,
        capture_output=True,
        text=True,
    )

    assert told in done.stderr
