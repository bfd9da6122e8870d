"""`make demo`: a change from the gate to a rollback under load, with real models."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.campaign
def test_nothing_fails_and_nothing_is_mislabelled() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "demo/play.py"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    told = done.stdout.partition("── Measured")[2]
    measured = dict(line.split("  ", 1) for line in told.splitlines() if "  " in line)
    assert int(measured["requests"].replace(",", "")) > 0
    assert measured["failures"].strip() == "0"
    assert measured["mislabelled answers"].strip() == "0"
