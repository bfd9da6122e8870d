"""`tetrad serve ENV`: answer requests to an environment's stacks, as its pointer says."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tetrad import __version__
from tetrad.cli.options import add_offline
from tetrad.cli.output import print_status
from tetrad.cli.progress_display import progress_bars
from tetrad.cli.repository_root import root_of
from tetrad.errors import ExitCode, MissingExtra

if TYPE_CHECKING:
    from tetrad.canonical import Digest
    from tetrad.gateway.following import Following
    from tetrad.pointer import Deployers
    from tetrad.pointer.pointer_store import PointerStore
    from tetrad.snapshots import Snapshot


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("environment", metavar="ENV", help="an environment of infra/environments")
    parser.add_argument(
        "--host", default="127.0.0.1", help="address to listen on (default: 127.0.0.1)"
    )
    parser.add_argument("--port", type=int, default=8080, help="port to listen on (default: 8080)")
    add_offline(parser)


def run(args: Namespace) -> ExitCode:
    root = root_of(args)
    try:
        from tetrad.gateway.app import create_app
        from tetrad.gateway.collaborators import Gateway
        from tetrad.gateway.server_process import GRACE_S, address_of, bound, serve
        from tetrad.telemetry.metrics import Metrics
    except ImportError as error:
        raise MissingExtra("gateway", "`tetrad serve`") from error
    deployers = _deployers(root, args.environment)
    with _opened(root, deployers) as (store, snapshot_of):
        following = _following(store, snapshot_of, offline=args.offline, grace_s=GRACE_S)
        listener = bound(args.host, args.port)
        address = address_of(listener)
        print_status(f"serving {deployers.environment} at {address} (docs: {address}/docs)\n")
        metrics = Metrics(environment=deployers.environment, release=__version__)
        app = create_app(Gateway(following=following, metrics=metrics), grace_s=1)
        serve(app, following, listener)
    return ExitCode.PASSED


def _deployers(root: Path, name: str) -> Deployers:
    """Whose pointers count, by the environment's file: UsageError where there is none."""
    from tetrad.loading.repositories import find, load_named
    from tetrad.pointer import Deployers

    repository = load_named(root, [name], ("environment",))
    ref = find(repository, name, repository.environments)
    return Deployers.of(repository.environments[ref])


@contextmanager
def _opened(
    root: Path, deployers: Deployers
) -> Iterator[tuple[PointerStore, Callable[[Digest], Snapshot]]]:
    """The registry: its pointers, and the snapshots that they name."""
    from tetrad.database import files_of
    from tetrad.git import refuse_committed
    from tetrad.pointer.pointer_store import PointerStore
    from tetrad.registry import open_ledger, registry_place
    from tetrad.snapshots.kept import load_exact

    place = registry_place(root)
    if isinstance(place, Path):
        refuse_committed(root, root / ".tetrad", *files_of(place))
    with open_ledger(place) as ledger, PointerStore(place, deployers) as store:
        yield store, lambda digest: load_exact(ledger, digest)


def _following(
    store: PointerStore, snapshot_of: Callable[[Digest], Snapshot], *, offline: bool, grace_s: float
) -> Following:
    from tetrad.artifacts.store import store_from_environment
    from tetrad.gateway.fleet import Fleet
    from tetrad.gateway.following import Following
    from tetrad.gateway.identity_loader import IdentityLoader
    from tetrad.gateway.shared_models import SharedModels
    from tetrad.tools import LiveRun

    models = SharedModels(store_from_environment(), offline=offline, progress=progress_bars())
    fleet = Fleet(IdentityLoader(snapshot_of, models, LiveRun()), grace_s=grace_s)
    return Following(store, store.environment, fleet)
