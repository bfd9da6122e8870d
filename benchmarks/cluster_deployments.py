"""How long deployments of many stacks to a cluster take, on a real API server with simulated nodes.

    KUBEBUILDER_ASSETS=DIR python benchmarks/cluster_deployments.py [--stacks 100] [--nodes 500]

DIR has etcd, kube-apiserver, kube-controller-manager, kube-scheduler, kubectl, kwok and pulumi. Each model
serves ten stacks. Measured are `tetrad plan` of a change to one prompt, `tetrad deploy --preview` of it,
the first deployment, that of the change, and a rollback; at a tenth of the stacks and nodes, too: `growth`
is the exponent, 1 where the time grows with the stacks. Without the plugin of Pulumi's Kubernetes provider
on PATH, the tests' stand-in applies the objects.
"""

from __future__ import annotations

import argparse
import json
import math
import subprocess
import sys
import tempfile
import time
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1] / "tests"
sys.path += [str(TESTS), str(TESTS.parent / "infra")]

from checkouts import run  # noqa: E402 - of the tests
from control_plane import ControlPlane, definitions_in, started  # noqa: E402
from provisioned import surroundings  # noqa: E402
from simulated import add_nodes, simulated  # noqa: E402

from infra import write, write_prompt, write_repository  # noqa: E402 - the benchmark beside this

LIMITS_S = {"one prompt": 5.0, "rollback": 5.0}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stacks", type=int, default=100)
    parser.add_argument("--nodes", type=int, default=500)
    given = parser.parse_args()
    small = measured(given.stacks // 10, given.nodes // 10)
    large = measured(given.stacks, given.nodes)
    missed = 0
    for what, seconds in large.items():
        growth = math.log10(seconds / small[what])
        limit = LIMITS_S.get(what)
        fails = limit is not None and seconds > limit
        missed += fails
        held = "" if limit is None else f" (at most {limit:g} s)"
        print(
            f"{what}: {seconds:.1f} s for {given.stacks} stacks, {small[what]:.1f} s for"
            f" {given.stacks // 10}, growth {growth:.2f}{held}{' MISSED' if fails else ''}"
        )
    return int(missed > 0)


def measured(stacks: int, nodes: int) -> dict[str, float]:
    """Seconds on the clock, each once."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "plane").mkdir()
        with started(folder / "plane") as plane:
            assert plane.apply(definitions_in(TESTS / "infra/crds")).returncode == 0
            with simulated(plane, folder / "plane"):
                add_nodes(plane, [f"gpu-{n}" for n in range(1, nodes)], gpus=8)
                return _measured(plane, folder, stacks)


def _measured(plane: ControlPlane, folder: Path, stacks: int) -> dict[str, float]:
    root = folder / "repository"
    write_repository(root, stacks)
    (root / ".git").rmdir()
    _fit(root)
    run(root, "init", "--quiet", "--initial-branch", "main")
    run(root, "config", "user.email", "a@example.org")
    (root / ".gitignore").write_text(".tetrad/\n__pycache__/\n")
    _commit(root)
    environment = surroundings(plane, folder)

    def timed(*arguments: str) -> float:
        command = [sys.executable, "-P", "-m", "tetrad", "-C", str(root), *arguments]
        began = time.monotonic()
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
        assert done.returncode == 0, done.stderr
        return time.monotonic() - began

    found = {"first deployment": timed("deploy", "production")}
    run(root, "checkout", "--quiet", "-b", "change")
    write_prompt(root, 0, "Please")
    found["plan"] = timed("plan", "--base", "main")
    _commit(root)
    found["preview"] = timed("deploy", "production", "--preview")
    found["one prompt"] = timed("deploy", "production")
    found["no change"] = timed("deploy", "production")
    found["drift"] = timed("drift", "production")
    found["rollback"] = timed("rollback", "production")
    return found


def _fit(root: Path) -> None:
    """Weights as images: a simulated cluster has no volumes."""
    for number, file in enumerate(sorted((root / "stacks/models").glob("*.yaml"))):
        document = dict(line.split(": ", 1) for line in file.read_text().splitlines())
        values = {key: json.loads(value) for key, value in document.items()}
        values["source"] = f"oci://registry.example/weights-{number}@sha256:{'3' * 64}"
        write(root, file.relative_to(root).as_posix(), values)


def _commit(root: Path) -> None:
    run(root, "add", "--all")
    run(root, "commit", "--quiet", "--message", "Change")


if __name__ == "__main__":
    raise SystemExit(main())
