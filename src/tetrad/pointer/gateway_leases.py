"""What gateways in a cluster say of themselves: a Lease for each, which it alone writes.

When it was last heard of is what the API server notes beside the fields, by its own clock.
"""

from __future__ import annotations

import base64
import binascii
import zlib
from dataclasses import replace
from datetime import UTC, datetime

from tetrad.cluster_api import ClusterApi, Object
from tetrad.cluster_api.leases import LEASES, lease_named, micro_time
from tetrad.errors import ClusterError
from tetrad.pointer.gateways import GatewayState
from tetrad.pointer.kept_pointers import FORGOTTEN, THERE
from tetrad.pointer.pointer_json import read_state, write_state
from tetrad.results.codec import ShapeError

MANAGER = "tetrad-gateway"
_LABEL = "app.kubernetes.io/component"
_COMPONENT = "gateway-state"
_STATE = "tetrad.dev/state"
_MAX_BYTES = 1_000_000  # of a state; an annotation has less room


class GatewayLeases:
    """The Leases of an environment's gateways."""

    def __init__(self, api: ClusterApi, environment: str) -> None:
        self._api = api
        self._environment = environment
        self._is_tidy = False

    def report(self, state: GatewayState) -> None:
        self._api.apply(LEASES, _lease(state), manager=MANAGER)
        if not self._is_tidy:
            self._is_tidy = True
            self._forget()

    def leave(self, gateway: str) -> None:
        self._api.delete(LEASES, _name(gateway))

    def known(self) -> tuple[datetime, list[GatewayState]]:
        """The time by the server's clock, and what each gateway said last."""
        found = [_state(lease) for lease in self._leases()]
        return self._api.now(), [s for s in found if s.environment == self._environment]

    def _leases(self) -> list[Object]:
        return self._api.listed(LEASES, labels=f"{_LABEL}={_COMPONENT}")[0]

    def _forget(self) -> None:
        """Delete what gateways left behind that ended without a word."""
        now = self._api.now()
        for lease in self._leases():
            if now - _seen(lease) > FORGOTTEN:
                self._api.delete(LEASES, lease["metadata"]["name"])


def _name(gateway: str) -> str:
    return f"gateway-{gateway}"


def _lease(state: GatewayState) -> Object:
    written = zlib.compress(write_state(replace(state, seen=state.started)).encode())
    lease = lease_named(_name(state.gateway))
    lease["metadata"] |= {
        "labels": {_LABEL: _COMPONENT},
        "annotations": {
            # for people, who ask kubectl
            "tetrad.dev/follows": str(state.number),
            "tetrad.dev/ready": "yes" if state.ready else "no",
            _STATE: base64.b64encode(written).decode(),
        },
    }
    spec = {
        "holderIdentity": state.address or state.gateway,
        "leaseDurationSeconds": int(THERE.total_seconds()),
        "renewTime": micro_time(datetime.now(UTC)),
    }
    return {**lease, "spec": spec}


def _state(lease: Object) -> GatewayState:
    name = lease["metadata"]["name"]
    try:
        packed = base64.b64decode(lease["metadata"]["annotations"][_STATE], validate=True)
        written = zlib.decompressobj().decompress(packed, _MAX_BYTES)
        return replace(read_state(written.decode()), seen=_seen(lease))
    except (KeyError, ShapeError, ValueError, binascii.Error, zlib.error) as error:
        raise ClusterError(
            f"the Lease {name} is not a gateway's: {error}"
            f"\n  help: kubectl delete lease {name}; a gateway that is there writes it anew"
        ) from error


def _seen(lease: Object) -> datetime:
    """When the gateway last wrote it; of one that was restored from a backup, what it says itself."""
    fields = lease["metadata"].get("managedFields", ())
    written = [field["time"] for field in fields if field["manager"] == MANAGER]
    return datetime.fromisoformat(max(written, default=lease["spec"]["renewTime"]))
