"""Flips of traffic in a cluster, under load: what is lost, what is late, how long a rollback takes.

    KUBEBUILDER_ASSETS=DIR python benchmarks/cluster_flips.py [--flips 50] [--model-server URL]

Two gateways run as processes on the pointer of a real API server, and four clients ask them all the time,
while commands move the traffic from one identity to the other and back. They stand in front of a scripted
model server, whose answers tell who was asked, or of one that runs already, for example vLLM with
`--served-model-name parrot-2026-01-01`. A rollback counts from the command's begin until every gateway
follows; an answer is late if its request began after that and another identity gave it.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from io import StringIO
from pathlib import Path

_TESTS = Path(__file__).resolve().parents[1] / "tests"
sys.path[:0] = [str(_TESTS), str(_TESTS.parent / "infra")]

from control_plane import started  # noqa: E402 - from the tests' folder
from fakes import OpenAIServer  # noqa: E402
from gateways import parrot  # noqa: E402
from serving_cluster import CONTEXT, Asking, ServingCluster, gateway_user  # noqa: E402

_LIMIT_S = 5.0
_NAMESPACE = "llm"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--flips", type=int, default=50, help="of all traffic (50)")
    parser.add_argument("--model-server", metavar="URL", help="ends with /v1 (default: scripted)")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, _cluster(Path(folder), arguments) as cluster:
        return measure(cluster, arguments.flips, scripted=not arguments.model_server)


@contextmanager
def _cluster(folder: Path, arguments: argparse.Namespace) -> Iterator[ServingCluster]:
    for name in ("plane", "environment"):
        (folder / name).mkdir()
    with (
        started(folder / "plane", strangers=[gateway_user(_NAMESPACE)]) as plane,
        OpenAIServer(answer=parrot) as scripted,
    ):
        os.environ["KUBECONFIG"] = str(plane.kubeconfig(CONTEXT))
        os.environ.pop("TETRAD_REGISTRY", None)
        server = arguments.model_server or scripted.url
        with redirect_stdout(StringIO()):
            cluster = ServingCluster(folder / "environment", plane, _NAMESPACE, server)
            cluster.deploy(cluster.one)
        yield cluster


def measure(cluster: ServingCluster, flips: int, *, scripted: bool) -> int:
    times: list[float] = []
    late = 0
    with cluster.gateway() as first, cluster.gateway() as second:
        cluster.wait_for(1, count=2)
        began = time.monotonic()
        with Asking([first, second]) as asking:
            for _ in range(flips // 2):
                cluster.wait_for(cluster.deploy(cluster.two, cluster.one), count=2)
                times.append(_timed(cluster, "rollback", "production"))
                back = time.monotonic()
                time.sleep(0.3)
                late += len(asking.after(back) - {cluster.names["one"]})
                _timed(cluster, "release", "production", "echo")
        seconds = time.monotonic() - began
    mixed = asking.mixed(cluster.names) if scripted else []
    lost = len(asking.failures)
    slow = statistics.median(times) > _LIMIT_S
    print(f"requests   {len(asking.answers):,} at {len(asking.answers) / seconds:.0f}/s")
    print(f"lost       {lost}; mislabelled {len(mixed)}; late {late}")
    for failure in dict.fromkeys(asking.failures):
        print(f"  {failure}")
    print(
        f"rollback   {statistics.median(times):.2f} s at the median, {max(times):.2f} s at most"
        f" (limit {_LIMIT_S:g} at the median){' MISSED' if slow else ''}"
    )
    return int(bool(lost or mixed or late or slow))


def _timed(cluster: ServingCluster, *arguments: str) -> float:
    """Seconds that a command takes, with its start."""
    began = time.monotonic()
    command = [sys.executable, "-m", "tetrad", "--root", str(cluster.root), *arguments]
    subprocess.run([*command, "--key", cluster.key], check=True, capture_output=True)
    return time.monotonic() - began


if __name__ == "__main__":
    sys.exit(main())
