"""How long deployments of many stacks to a cluster take, on a real API server with simulated nodes.

    KUBEBUILDER_ASSETS=DIR python benchmarks/cluster_deployments.py [--stacks 100] [--nodes 500]

DIR has etcd, kube-apiserver, kube-controller-manager, kube-scheduler, kubectl, kwok and pulumi. Each model
serves ten stacks. Measured are `tetrad plan` of a change to one prompt, `tetrad deploy --preview` of it,
the first deployment, that of the change, and a rollback; at a tenth of the stacks and nodes, too: `grows`
is the ratio of the processor times. Without the plugin of Pulumi's Kubernetes provider on PATH, the tests'
stand-in applies the objects.

Limits are held against the clock, which neighbours on the cores lengthen; the processor time beside it
they lengthen little. It is that of the command with all that it starts (Pulumi's engine and its provider
included), of which the stand-in's is told apart; the API server and its controllers run beside it.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import psutil

TESTS = Path(__file__).resolve().parents[1] / "tests"
sys.path += [str(TESTS), str(TESTS.parent / "infra")]

from checkouts import run  # noqa: E402 - of the tests
from commands import cost_of  # noqa: E402 - the benchmark beside this
from control_plane import ControlPlane, definitions_in, started  # noqa: E402
from provisioned import surroundings  # noqa: E402
from simulated import add_nodes, simulated  # noqa: E402

from infra import write, write_prompt, write_repository  # noqa: E402 - the same

LIMITS_S = {"one prompt": 5.0, "rollback": 5.0}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stacks", type=int, default=100)
    parser.add_argument("--nodes", type=int, default=500)
    given = parser.parse_args()
    few = given.stacks // 10
    small = measured(few, given.nodes // 10)
    large = measured(given.stacks, given.nodes)
    missed = 0
    for what, took in large.items():
        limit = LIMITS_S.get(what)
        fails = limit is not None and took.wall > limit
        missed += fails
        held = "" if limit is None else f" (at most {limit:g} s)"
        print(
            f"{what}, {given.stacks} stacks: {took.wall:.1f} s{held}{' MISSED' if fails else ''}, {took};"
            f" {few} stacks: {small[what].wall:.1f} s, {small[what]};"
            f" grows {took.cpu / small[what].cpu:.1f} times"
        )
    return int(missed > 0)


@dataclass(frozen=True, kw_only=True)
class Took:
    """Seconds by the clock, and of the processors."""

    wall: float
    cpu: float  # of the command
    standin: float  # of that
    served: float  # of the API server and its controllers meanwhile

    def __str__(self) -> str:
        standin = f", {self.standin:.1f} s of it the stand-in" if self.standin else ""
        return f"processors {self.cpu:.1f} s{standin}, control plane {self.served:.1f} s"


def measured(stacks: int, nodes: int) -> dict[str, Took]:
    """Each once."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "plane").mkdir()
        with started(folder / "plane") as plane:
            assert plane.apply(definitions_in(TESTS / "infra/crds")).returncode == 0
            with simulated(plane, folder / "plane"):
                add_nodes(plane, [f"gpu-{n}" for n in range(1, nodes)], gpus=8)
                return _measured(plane, folder, stacks)


def _measured(plane: ControlPlane, folder: Path, stacks: int) -> dict[str, Took]:
    root = folder / "repository"
    write_repository(root, stacks)
    (root / ".git").rmdir()
    _fit(root)
    run(root, "init", "--quiet", "--initial-branch", "main")
    run(root, "config", "user.email", "a@example.org")
    (root / ".gitignore").write_text(".tetrad/\n__pycache__/\n")
    _commit(root)
    environment = surroundings(plane, folder)

    times = folder / "times"
    _note_times(folder / "bin/pulumi-resource-kubernetes", times)

    def timed(*arguments: str) -> Took:
        times.write_text("")
        before = _served()
        cost = cost_of(root, *arguments, environment=environment)
        standin = sum(map(_seconds, times.read_text().splitlines()[1::2]))
        return Took(wall=cost.wall, cpu=cost.cpu, standin=standin, served=_served() - before)

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


def _note_times(standin: Path, times: Path) -> None:
    """Let the stand-in say at its end what it took, as the shell writes it: its own, and its children's."""
    if standin.is_file():
        command = standin.read_text().replace("exec ", "trap : INT TERM\n")
        standin.write_text(f'{command}times >> "{times}"\n')


def _seconds(line: str) -> float:
    """Of `0m1.20s 0m0.10s`."""
    parts = (part.removesuffix("s").split("m") for part in line.split())
    return sum(60 * float(minutes) + float(seconds) for minutes, seconds in parts)


def _served() -> float:
    """What the control plane's processes have taken, all of them started by this one."""
    taken = [process.cpu_times() for process in psutil.Process().children()]
    return float(sum(one.user + one.system for one in taken))


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
