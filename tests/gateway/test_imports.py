"""The gateway's process judges nothing, and loads nothing of what does."""

from __future__ import annotations

import subprocess
import sys

JUDGES = ("evals", "lint", "plan", "policy", "report")


def test_the_gateway_imports_nothing_that_judges() -> None:
    code = "import sys, tetrad.gateway.app; print(*sys.modules)"

    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    loaded = set(done.stdout.split())

    assert "tetrad.gateway.app" in loaded
    assert sorted(loaded & {f"tetrad.{name}" for name in JUDGES}) == []
    assert sorted(loaded & {"torch", "transformers", "numpy"}) == []
