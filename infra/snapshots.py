"""Snapshots of identities, from which the gateways serve: in a ConfigMap, or as an OCI bundle."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import tetrad
from digests import short

# The API server takes 1 MiB a ConfigMap; its metadata has room in the rest.
MOST_BYTES = 1_000_000
# All of them lie in etcd, whose whole default size is 2 GB.
MOST_BYTES_TOGETHER = 64_000_000


@dataclass(frozen=True, kw_only=True)
class SnapshotArgs:
    """A snapshot, by its digest."""

    identity: str
    digest: str
    stack: str
    parts: Mapping[str, bytes] | None  # of `snapshot_parts`; None where it is to be fetched
    bundle: str | None = None  # from where: oci://HOST/REPOSITORY@sha256:…

    @property
    def name(self) -> str:
        # Immutable objects do not change their form: one that no longer fits is another object.
        form = "bundle" if self.parts is None else "snapshot"
        return f"{form}-{short(self.digest)}"


def snapshots(
    taken: Iterable[tetrad.Snapshot], bundles: str | None, problem: Callable[[str], None]
) -> tuple[SnapshotArgs, ...]:
    """Each once, by digest; the smallest lie in the cluster while all of these fit."""
    by_digest = {str(snapshot.digest): snapshot for snapshot in taken}
    parts = {digest: tetrad.snapshot_parts(one) for digest, one in by_digest.items()}
    sizes = {digest: _size(named) for digest, named in parts.items()}
    room = MOST_BYTES_TOGETHER
    found: dict[str, SnapshotArgs] = {}
    for digest, size in sorted(sizes.items(), key=lambda item: (item[1], item[0])):
        room -= size
        snapshot, fits = by_digest[digest], size <= MOST_BYTES and room >= 0
        if not fits and bundles is None:
            problem(
                f"the snapshot of {snapshot.stack} has {size:,} bytes, and a"
                f" ConfigMap takes {MOST_BYTES:,} ({MOST_BYTES_TOGETHER:,} together):"
                " name kubernetes.bundles"
            )
        found[digest] = SnapshotArgs(
            identity=f"tetrad:{snapshot.identity.hex}",
            digest=digest,
            stack=snapshot.stack,
            parts=parts[digest] if fits else None,
            bundle=None if fits else f"{bundles}@{tetrad.bundle_of(snapshot).digest}",
        )
    return tuple(found[digest] for digest in sorted(found))


def _size(parts: Mapping[str, bytes]) -> int:
    return sum(len(name) + len(data) for name, data in parts.items())
