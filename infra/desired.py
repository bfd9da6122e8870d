"""What is to run in an environment, as values. Pure: what decides comes in, arguments come out.

What comes in are the stacks of the merged state with the evidence about them, the identities that the
pointer keeps, and the environment. The pointer itself is never an outcome: nothing here says which
identity answers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import tetrad
from costs import costs, total
from indexes import IndexArgs, indexes
from model_servers import ModelServerArgs, model_servers
from snapshots import SnapshotArgs, snapshots


@dataclass(frozen=True, kw_only=True)
class Merged:
    """A stack of the merged state that serves the environment, and what its evidence says."""

    stack: tetrad.Stack
    snapshot: tetrad.Snapshot
    verification: tetrad.Verification | None  # None: nobody asks, as nothing will be applied


@dataclass(frozen=True, kw_only=True)
class Alerts:
    """What `infra/observability/` holds: groups of rules, and dashboards by name."""

    groups: Sequence[Mapping[str, Any]] = ()
    dashboards: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Desired:
    """Everything that is to be there."""

    environment: tetrad.Environment
    cluster: tetrad.Cluster
    models: tuple[ModelServerArgs, ...]
    needed: frozenset[str]  # model servers of the merged state; the others are kept warm
    snapshots: tuple[SnapshotArgs, ...]
    keys: Mapping[str, tetrad.SecretKey | None]  # of the gateway, by variable; None: an empty one
    indexes: tuple[IndexArgs, ...]
    alerts: Alerts
    longest_answer_s: float = 0.0  # of the stacks that are served

    @property
    def stores_vectors(self) -> bool:
        """Whether a corpus is kept in the vector store."""
        return bool(self.indexes)

    @property
    def images(self) -> tuple[str, ...]:
        """Every image that may run in the namespace."""
        cluster = self.cluster
        named = [gateway.image for gateway in cluster.gateways]
        named += [image for model in self.models for image in model.images]
        if self.stores_vectors and cluster.vector_store is not None:
            named.append(cluster.vector_store.image)
        if cluster.monitoring is not None and cluster.monitoring.collector is not None:
            named.append(cluster.monitoring.collector)
        if cluster.runners is not None:
            named.append(cluster.runners.image)
        return tuple(sorted(set(named)))

    @property
    def usd_per_month(self) -> float:
        """What the model servers cost at their least size, by the environment's prices."""
        return total(costs(self.models, self.cluster)).min


class Unproven(tetrad.TetradError):
    """Identities that the environment's evidence does not admit: nothing is applied."""

    exit_code = tetrad.ExitCode.REFUSED

    def __init__(self, refused: Sequence[Merged]) -> None:
        super().__init__("\n".join(line for merged in refused for line in _why(merged)))


def desired(
    environment: tetrad.Environment,
    merged: Sequence[Merged],
    retained: Sequence[tetrad.Retained] = (),
    *,
    now: datetime,
    alerts: Alerts | None = None,
) -> Desired:
    """What is to run; raises Unproven, and `UsageError` with all that the environment lacks.

    An identity of the merged state that a rollback withdrew is no error. It gets nothing of its own:
    what the pointer still names is in `retained`. Nor is one whose evidence has aged since it serves.
    """
    kept = [one for one in retained if one.unused_since is None]
    serving = {one.snapshot.identity for one in kept}
    refused = [
        one
        for one in merged
        if not _is_taken(one) and not _is_withdrawn(one) and one.snapshot.identity not in serving
    ]
    if refused:
        raise Unproven(refused)
    served = [one for one in merged if _is_taken(one)]
    hours = timedelta(hours=environment.retain.model_server_hours)
    named: list[Merged | tetrad.Retained] = [*served, *kept]
    lately = [one for one in retained if one.unused_since and now - one.unused_since < hours]
    problems: list[str] = []
    cluster = _cluster(environment, problems)
    models = model_servers(
        environment, [one.stack for one in (*named, *lately)], cluster, problems.append
    )
    taken = snapshots([one.snapshot for one in named], cluster.bundles, problems.append)
    # what the pointer keeps comes first, so that a change leaves the Job of an index alone
    first: list[Merged | tetrad.Retained] = [*kept, *served]
    indexed = indexes([(one.stack, one.snapshot) for one in first], taken)
    if indexed and cluster.vector_store is None:
        problems.append("kubernetes.vector_store is missing, and a corpus has store: pgvector")
    keys = _keys(environment, [one.stack for one in named], problems.append)
    if problems:
        where = environment.location.file
        raise tetrad.UsageError("\n".join(f"{where}: {problem}" for problem in problems))
    return Desired(
        environment=environment,
        cluster=cluster,
        models=models,
        needed=_needed(models, [one.stack for one in served]),
        snapshots=taken,
        keys=keys,
        indexes=indexed,
        alerts=alerts or Alerts(),
        longest_answer_s=max((tetrad.longest_answer_s(one.stack) for one in named), default=0.0),
    )


def _cluster(environment: tetrad.Environment, problems: list[str]) -> tetrad.Cluster:
    cluster = environment.cluster
    if cluster is None:
        raise tetrad.UsageError(
            f"{environment.location.file}: {environment.name} is not in Kubernetes"
            "\n  help: write target: kubernetes, and kubernetes: {context: …, namespace: …}"
        )
    problems += cluster.unset
    if not cluster.gateways:
        problems.append("kubernetes.gateways is missing: no release of the gateway is to run")
    elif not any(gateway.weight for gateway in cluster.gateways):
        problems.append("kubernetes.gateways: every weight is 0, so none gets a request")
    return cluster


def _needed(models: Iterable[ModelServerArgs], stacks: Iterable[tetrad.Stack]) -> frozenset[str]:
    digests = {tetrad.model_digest(model) for stack in stacks for model in stack.models}
    return frozenset(server.name for server in models if server.digest in digests)


def _is_withdrawn(merged: Merged) -> bool:
    return merged.verification is not None and bool(merged.verification.withdrawn)


def _is_taken(merged: Merged) -> bool:
    return merged.verification is None or merged.verification.is_yes


def _why(merged: Merged) -> Iterator[str]:
    verification = merged.verification
    assert verification is not None  # noqa: S101 - or it is not refused
    identity = tetrad.identity_of(merged.stack)
    yield f"{merged.stack.ref}: {identity} may not serve {verification.environment}"
    for unmet in verification.unmet:
        yield f"  {unmet.clause:<12}{unmet.message}"
    yield f"  help: tetrad verify {merged.stack.name} --env {verification.environment}"


def _keys(
    environment: tetrad.Environment,
    stacks: Iterable[tetrad.Stack],
    problem: Callable[[str], None],
) -> Mapping[str, tetrad.SecretKey | None]:
    """What the gateway asks models with: keys, and addresses of those that no server here hosts."""
    found: dict[str, tetrad.SecretKey | None] = {}
    for ref, model in sorted({m.ref: m for stack in stacks for m in stack.models}.items()):
        for variable, secret in _keys_of(model, environment.models.get(ref)).items():
            if found.setdefault(variable, secret) != secret:
                problem(f"models.{ref}.secrets.{variable}: another model takes it from elsewhere")
    return found


def _keys_of(
    model: tetrad.Model, hosting: tetrad.ModelHosting | None
) -> Mapping[str, tetrad.SecretKey | None]:
    if not isinstance(model.engine, tetrad.OpenAIEngine | tetrad.VllmEngine):
        return {}
    secrets = hosting.secrets if hosting else {}
    is_hosted = isinstance(model.engine, tetrad.VllmEngine) or (hosting and hosting.server)
    variable = model.engine.api_key_env
    if not is_hosted:
        return secrets
    return {variable: secrets.get(variable)} if variable else {}
