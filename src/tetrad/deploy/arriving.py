"""What a deployment brings arrives at the gateways, or goes back where none of them loads it."""

from __future__ import annotations

from collections.abc import Mapping

from tetrad.canonical import Digest
from tetrad.deploy.acknowledging import LOADS_S, Acknowledged, PrintStatus, acknowledged
from tetrad.deploy.deployer import Deployer
from tetrad.deploy.rolling_back import put_back
from tetrad.deploy.rollouts import Ended
from tetrad.errors import NotLoaded, UsageError
from tetrad.pointer.kept_pointers import KeptPointers


def arrived(
    store: KeptPointers,
    deployer: Deployer,
    number: int,
    brought: Mapping[str, Digest],
    print_status: PrintStatus,
) -> tuple[Acknowledged, tuple[Ended, ...]]:
    """Wait until every gateway follows a pointer; identities that it brought, by their stacks, are
    withdrawn where none loads them. NotLoaded where nothing served before.
    """
    left, ended = dict(brought), []
    while True:
        try:
            found = acknowledged(
                store, number, within_s=LOADS_S, print_status=print_status, brought=left
            )
        except NotLoaded as error:
            for ref, why in error.why.items():
                identity = left.pop(ref)
                try:
                    back = put_back(store, deployer, ref, identity, reason=why)
                except UsageError:  # there is nothing to go back to
                    raise error from None
                number = back.after.number
                withdrawal = back.after.stacks[ref].withdrawal_of(identity)
                said = withdrawal.why if withdrawal else why
                ended.append(Ended(stack=ref, identity=identity, how="aborted", why=said))
        else:
            return found, tuple(ended)
