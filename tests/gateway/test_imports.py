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


def test_a_gateway_that_makes_no_spans_loads_no_opentelemetry() -> None:
    code = (
        "import sys, tetrad.gateway.app\n"
        "from tetrad.telemetry.exporting import tracing_from\n"
        "assert tracing_from({}, environment='e', release='1', instance='g') is None\n"
        "print(*sys.modules)"
    )

    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)

    assert not {name for name in done.stdout.split() if name.startswith("opentelemetry")}
