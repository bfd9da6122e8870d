"""`tetrad serve ENV`: answer requests to an environment's stacks, as its pointer says."""

from __future__ import annotations

import os
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from tetrad import __version__
from tetrad.cli.options import add_environment, add_offline
from tetrad.cli.output import print_status
from tetrad.cli.progress_display import progress_bars
from tetrad.cli.repository_root import root_of
from tetrad.errors import ExitCode, MissingExtra

if TYPE_CHECKING:
    from tetrad.canonical import Digest
    from tetrad.corpora import VectorStore
    from tetrad.gateway.collaborators import Gateway
    from tetrad.gateway.following import Following
    from tetrad.gateway.limiting.spending import Spending
    from tetrad.gateway.proposals import Proposals
    from tetrad.model import Cluster, Environment
    from tetrad.pointer.kept_pointers import KeptPointers
    from tetrad.registry import Place
    from tetrad.registry.ledger import Ledger
    from tetrad.snapshots import Snapshot
    from tetrad.telemetry.metrics import Metrics
    from tetrad.traffic.traffic_store import Traffic


def add_arguments(parser: ArgumentParser) -> None:
    add_environment(parser)
    parser.add_argument(
        "--host", default="127.0.0.1", help="address to listen on (default: 127.0.0.1)"
    )
    parser.add_argument("--port", type=int, default=8080, help="port to listen on (default: 8080)")
    add_offline(parser)


def run(args: Namespace) -> ExitCode:
    from tetrad.loading.environments import environment_named

    root = root_of(args)
    try:
        from tetrad.gateway.app import create_app
        from tetrad.gateway.console.console_routes import Console
        from tetrad.gateway.limiting.spending import Spending
        from tetrad.gateway.proposals import Proposals
        from tetrad.gateway.server_process import address_of, bound, serve
        from tetrad.gateway.taken_calls import TakenCalls
        from tetrad.telemetry.metrics import Metrics
    except ImportError as error:
        raise MissingExtra("gateway", "`tetrad serve`") from error
    environment = environment_named(root, args.environment)
    metrics = Metrics(environment=environment.name, release=__version__)
    with _opened(root, environment) as opened:
        following = _following(opened, metrics, offline=args.offline)
        listener = bound(args.host, args.port)
        address = address_of(listener)
        print_status(
            f"serving {environment.name} at {address} (/ui shows what serves, /docs how to ask)\n"
        )
        console = Console(
            environment=environment, store=opened.store, ledger=opened.ledger, place=opened.place
        )
        with (
            Spending(opened.place, environment.name, following.gateway) as spending,
            TakenCalls(opened.place, environment.name) as taken,
        ):
            shared = taken if _is_shared(environment) else None
            gateway = _gateway(following, metrics, opened.traffic, spending, Proposals(shared))
            app = create_app(gateway, further=console.routes())
            serve(app, following, listener)
    return ExitCode.PASSED


class _Opened(NamedTuple):
    """The environment's pointers and the snapshots that they name; the registry, and what is kept of
    answers there.
    """

    place: Place
    kept_in: str
    store: KeptPointers
    snapshot: Callable[[Digest], Snapshot]
    vectors: VectorStore
    ledger: Ledger
    traffic: Traffic


@contextmanager
def _opened(root: Path, environment: Environment) -> Iterator[_Opened]:
    from tetrad.corpora import VectorStore
    from tetrad.deploy.deployer import registry_of
    from tetrad.pointer.opening import store_of
    from tetrad.registry import open_ledger
    from tetrad.traffic.traffic_store import Traffic

    place = registry_of(root) if environment.cluster is None else _registry_of_pod(root)
    with ExitStack() as opened:
        ledger = opened.enter_context(open_ledger(place))
        yield _Opened(
            place=place,
            kept_in="the registry" if environment.cluster is None else "the cluster",
            store=opened.enter_context(store_of(environment, lambda: place)),
            snapshot=_snapshots(ledger, environment.cluster, opened),
            # in a cluster a Job builds what gateways only read
            vectors=opened.enter_context(
                closing(VectorStore(builds=environment.cluster is None, progress=progress_bars()))
            ),
            ledger=ledger,
            traffic=opened.enter_context(Traffic.open(place)),
        )


def _is_shared(environment: Environment) -> bool:
    """Whether the other gateways of the environment use the same registry."""
    from tetrad.database import ENVIRONMENT

    return environment.cluster is None or bool(os.environ.get(ENVIRONMENT))


def _registry_of_pod(root: Path) -> Place:
    """The registry that is shared, or one of this gateway alone, which ends with its pod."""
    from tetrad.artifacts.store import store_from_environment
    from tetrad.database import ENVIRONMENT
    from tetrad.registry import registry_place

    if os.environ.get(ENVIRONMENT):
        return registry_place(root)
    return store_from_environment().root / "registry.db"


def _snapshots(
    ledger: Ledger, cluster: Cluster | None, opened: ExitStack
) -> Callable[[Digest], Snapshot]:
    """What finds a snapshot: in the registry, or before that in the namespace."""
    from tetrad.snapshots.kept import load_exact

    if cluster is None:
        return partial(load_exact, ledger)
    from tetrad.cluster_api import ClusterApi
    from tetrad.snapshots.in_cluster import load_nearest

    api = opened.enter_context(ClusterApi(cluster.context, cluster.namespace))
    return partial(load_nearest, api, ledger)


def _following(opened: _Opened, metrics: Metrics, *, offline: bool) -> Following:
    from tetrad.artifacts.store import store_from_environment
    from tetrad.gateway.fleet import Fleet
    from tetrad.gateway.following import Following
    from tetrad.gateway.identity_loader import IdentityLoader
    from tetrad.gateway.shared_models import SharedModels
    from tetrad.tools import LiveRun

    models = SharedModels(
        store_from_environment(),
        offline=offline,
        progress=progress_bars(),
        tell_circuit=lambda upstream, is_open: metrics.circuit(upstream, is_open=is_open),
    )
    loader = IdentityLoader(opened.snapshot, models, LiveRun(), opened.vectors)
    fleet = Fleet(loader)
    return Following(opened.store, opened.store.environment, fleet, kept_in=opened.kept_in)


def _gateway(
    following: Following,
    metrics: Metrics,
    traffic: Traffic,
    spending: Spending,
    proposals: Proposals,
) -> Gateway:
    from tetrad.gateway.collaborators import Gateway
    from tetrad.gateway.limiting.limiter import Limiter
    from tetrad.gateway.limiting.money import Money
    from tetrad.gateway.recent_answers import RecentAnswers
    from tetrad.telemetry.exporting import tracing_from

    environment = following.environment
    return Gateway(
        following=following,
        metrics=metrics,
        recent=RecentAnswers(traffic),
        limiter=Limiter(Money(spending), metrics),
        proposals=proposals,
        tracing=tracing_from(
            os.environ, environment=environment, release=__version__, instance=following.gateway
        ),
    )
