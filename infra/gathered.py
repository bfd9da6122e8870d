"""What decides, read from where it lies: the checkout, the evidence that is kept, the clock."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import yaml

import tetrad
from desired import Alerts, Desired, Merged, desired

_OBSERVABILITY = "infra/observability"


@dataclass(frozen=True, kw_only=True)
class Named:
    """An identity for which model servers are there."""

    stack: tetrad.Stack
    identity: str
    models: frozenset[str]  # their digests
    is_merged: bool
    is_kept: bool  # the pointer names it

    @property
    def told(self) -> dict[str, str | bool]:
        return {"stack": self.stack.ref, "identity": self.identity, "merged": self.is_merged}


def gather(root: Path, name: str, named: Sequence[str] = (), *, refuses: bool = True) -> Desired:
    """What is to run in an environment by the files that are checked out.

    Of the merged state all stacks that serve it, or the identities named (STACK@SNAPSHOT, which need not
    be merged here); what the pointer keeps in any case. An identity without evidence is refused, or
    left out for who only looks.
    """
    repository = tetrad.load_repository(root)
    environment = tetrad.environment_of(repository, name)
    warnings: list[str] = []
    serving = _serving(repository, environment)
    # before evidence is asked: withdrawals in the cluster are learned by it
    retained = _retained(root, environment, serving, warnings.append)
    if named:
        serving = [_named(root, environment, serving, *one.split("@")) for one in named]
    stacks = [stack for stack, _ in serving]
    verified = tetrad.verify_each(stacks, environment.ref, root, repository=repository)
    merged = [
        Merged(stack=stack, snapshot=snapshot, verification=verification)
        for (stack, snapshot), verification in zip(serving, verified, strict=True)
    ]
    if not refuses:
        merged = [one for one in merged if one.verification is None or one.verification.is_yes]
    now = datetime.now(UTC)
    found = desired(environment, merged, retained, now=now, alerts=read_alerts(root))
    for message in warnings:  # a refusal needs none
        _warn(message)
    return found


def _named(
    root: Path,
    environment: tetrad.Environment,
    merged: Sequence[tuple[tetrad.Stack, tetrad.Snapshot]],
    ref: str,
    digest: str,
) -> tuple[tetrad.Stack, tetrad.Snapshot]:
    for stack, snapshot in merged:
        if stack.ref == ref and str(snapshot.digest) == digest:
            return stack, snapshot
    kept = tetrad.kept_identity(environment, digest, root)
    return kept.stack, kept.snapshot


def unverified(
    root: Path, repository: tetrad.Repository, environment: tetrad.Environment, *, kept: bool
) -> Desired:
    """The same without asking for evidence: for costs and plans, which apply nothing.

    `kept` says whether what the pointer keeps counts as well.
    """
    serving = _serving(repository, environment)
    return desired(
        environment,
        [Merged(stack=stack, snapshot=snapshot, verification=None) for stack, snapshot in serving],
        _retained(root, environment, serving, _warn) if kept else (),
        now=datetime.now(UTC),
        alerts=read_alerts(root),
    )


def named(
    root: Path,
    repository: tetrad.Repository,
    environment: tetrad.Environment,
    warn: Callable[[str], None],
) -> tuple[Named, ...]:
    """Who has, or lately had, a right to model servers: what is merged, and what the pointer keeps."""
    serving = _serving(repository, environment)
    merged = {snapshot.digest: (stack, snapshot) for stack, snapshot in serving}
    retained = _retained(root, environment, serving, warn)
    unused = {one.snapshot.digest: one.unused_since for one in retained}
    known = {**merged, **{one.snapshot.digest: (one.stack, one.snapshot) for one in retained}}
    return tuple(
        Named(
            stack=stack,
            identity=f"tetrad:{snapshot.identity.hex}",
            models=frozenset(map(tetrad.model_digest, stack.models)),
            is_merged=digest in merged,
            is_kept=digest in unused and unused[digest] is None,
        )
        for digest, (stack, snapshot) in known.items()
    )


def _serving(
    repository: tetrad.Repository, environment: tetrad.Environment
) -> list[tuple[tetrad.Stack, tetrad.Snapshot]]:
    stacks = [s for s in repository.stacks.values() if environment.name in s.environments]
    return list(zip(stacks, tetrad.snapshots_of(repository, stacks), strict=True))


def _retained(
    root: Path,
    environment: tetrad.Environment,
    known: Sequence[tuple[tetrad.Stack, tetrad.Snapshot]],
    warn: Callable[[str], None],
) -> Sequence[tetrad.Retained]:
    hours = timedelta(hours=environment.retain.model_server_hours)
    since = datetime.now(UTC) - hours
    return tetrad.retained(environment, root, since=since, known=known, warn=warn)


def _warn(message: str) -> None:
    sys.stderr.write(f"warning: {message}\n")


def read_alerts(root: Path) -> Alerts:
    """Groups of Prometheus rules from `rules.yaml`, dashboards from `*.json`."""
    folder = root / _OBSERVABILITY
    rules = folder / "rules.yaml"
    return Alerts(
        groups=yaml.safe_load(rules.read_text("utf-8"))["groups"] if rules.is_file() else (),
        dashboards={file.stem: file.read_text("utf-8") for file in sorted(folder.glob("*.json"))},
    )
