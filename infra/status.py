"""`tetrad status` runs this: the model servers of an environment, and which identities use each, as JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import tetrad
from gathered import Named, named
from live import Live
from model_servers import model_servers
from objects.kubernetes import COMPONENT, MODEL, Object
from objects.model_server import COMPONENT as MODEL_SERVER
from objects.model_server import REFERENCE
from scripts import ended
from server_states import server_state

_SELECTOR = f"{COMPONENT}={MODEL_SERVER}"


def told(root: Path, name: str) -> list[dict[str, Any]]:
    """The servers that are there, and those that an identity of the pointer lacks."""
    repository = tetrad.load_repository(root)
    environment = tetrad.environment_of(repository, name)
    assert environment.cluster is not None  # noqa: S101 - `tetrad status` asks of clusters alone
    live = Live(environment.cluster)
    there = {obj["metadata"]["name"]: obj for obj in live.deployments(_SELECTOR)}
    pods = live.pods(_SELECTOR)
    users, problem = _users(root, repository, environment)
    kept = [user.stack for user in users if user.is_kept]
    servers = {
        one.name: (one.ref, one.digest, one.hosting.replicas.min)
        for one in model_servers(environment, kept, environment.cluster, lambda _: None)
    }
    found = []
    for server in sorted({*servers, *there}):
        obj = there.get(server)
        ref, digest, least = servers.get(server) or _marks(there[server])
        state = server_state(obj, _of_server(pods, obj), least)
        used = [user.told for user in users if digest in user.models]
        found.append(
            {
                "name": server,
                "model": ref,
                "digest": digest,
                **asdict(state),
                "used_by": None if problem else used,
            }
        )
    return found


def _users(
    root: Path, repository: tetrad.Repository, environment: tetrad.Environment
) -> tuple[Sequence[Named], str]:
    """None, and why, where only the servers themselves can be asked."""
    problems: list[str] = []
    try:
        found = named(root, repository, environment, problems.append)
    except tetrad.TetradError as error:
        found, problems = (), [str(error)]
    if problems:
        sys.stderr.write(
            f"warning: which identities use a model server is unknown: {problems[0]}\n"
        )
    return found, "".join(problems)


def _marks(deployment: Object) -> tuple[str, str, int]:
    """Reference and digest of the model, and how many pods Kubernetes runs of it unasked."""
    marks = deployment["metadata"].get("annotations", {})
    return marks.get(REFERENCE, ""), marks.get(MODEL, ""), 1


def _of_server(pods: Sequence[Object], deployment: Object | None) -> list[Object]:
    if deployment is None:
        return []
    wanted = deployment["spec"]["selector"]["matchLabels"].items()
    return [pod for pod in pods if wanted <= pod["metadata"].get("labels", {}).items()]


def main(root: str, environment: str) -> None:
    sys.stdout.write(json.dumps(told(Path(root), environment)))


if __name__ == "__main__":
    sys.exit(ended(main))
