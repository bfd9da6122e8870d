"""What decides, read from where it lies: the checkout, the evidence that is kept, the clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import yaml

import tetrad
from desired import Alerts, Desired, Merged, desired

_OBSERVABILITY = "infra/observability"


def gather(root: Path, name: str) -> Desired:
    """What is to run in an environment by the files that are checked out."""
    repository = tetrad.load_repository(root)
    environment = tetrad.environment_of(repository, name)
    stacks = [s for s in repository.stacks.values() if environment.name in s.environments]
    merged = [
        Merged(
            stack=stack,
            snapshot=snapshot,
            verification=tetrad.verify(stack.ref, environment.ref, root, repository=repository),
        )
        for stack, snapshot in zip(stacks, tetrad.snapshots_of(repository, stacks), strict=True)
    ]
    now = datetime.now(UTC)
    since = now - timedelta(hours=environment.retain.model_server_hours)
    retained = tetrad.retained(environment, root, since=since)
    return desired(environment, merged, retained, now=now, alerts=read_alerts(root))


def read_alerts(root: Path) -> Alerts:
    """Groups of Prometheus rules from `rules.yaml`, dashboards from `*.json`."""
    folder = root / _OBSERVABILITY
    rules = folder / "rules.yaml"
    return Alerts(
        groups=yaml.safe_load(rules.read_text("utf-8"))["groups"] if rules.is_file() else (),
        dashboards={file.stem: file.read_text("utf-8") for file in sorted(folder.glob("*.json"))},
    )
