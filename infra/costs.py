"""What model servers cost per month at the environment's prices. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import tetrad
from model_servers import ModelServerArgs
from quantities import amount_of

_HOURS_PER_MONTH = 730
_IN_BYTES = ("memory", "ephemeral-storage")


@dataclass(frozen=True, kw_only=True)
class Monthly:
    """USD per month at the least and at the greatest number of replicas."""

    min: float = 0.0
    max: float = 0.0


@dataclass(frozen=True, kw_only=True)
class ServerCost:
    """`unpriced` are the resources that it asks for by number and that have no price."""

    server: ModelServerArgs
    monthly: Monthly
    unpriced: tuple[str, ...] = ()


def costs(servers: Iterable[ModelServerArgs], cluster: tetrad.Cluster) -> tuple[ServerCost, ...]:
    return tuple(_cost(server, cluster) for server in servers)


def total(costs: Sequence[ServerCost]) -> Monthly:
    return Monthly(
        min=sum(one.monthly.min for one in costs), max=sum(one.monthly.max for one in costs)
    )


def _cost(server: ModelServerArgs, cluster: tetrad.Cluster) -> ServerCost:
    prices, replicas = cluster.usd_per_hour, server.hosting.replicas
    asked = {name: _priced(name, size) for name, size in server.resources.items()}
    hourly = sum(asked[name] * usd for name, usd in prices.items() if name in asked)
    return ServerCost(
        server=server,
        monthly=Monthly(
            min=hourly * replicas.min * _HOURS_PER_MONTH,
            max=hourly * max(replicas.min, replicas.max) * _HOURS_PER_MONTH,
        ),
        unpriced=tuple(name for name in asked if "/" in name and name not in prices),
    )


def _priced(resource: str, size: str) -> float:
    """What is priced: GiB of memory and of disk, pieces and cores of the rest."""
    amount = amount_of(size)
    return amount / 2**30 if resource in _IN_BYTES else amount
