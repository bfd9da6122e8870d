"""A bundle that an argument names: a file, or an artifact in a registry."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tetrad.errors import UsageError

if TYPE_CHECKING:
    from tetrad.snapshots.bundle import Bundle

OCI = "oci://"


def bundle_at(source: str) -> Bundle:
    from tetrad.snapshots.layout import read_layout
    from tetrad.snapshots.snapshot import MAX_BYTES

    if source.startswith(OCI):
        from tetrad.snapshots.moving import pull

        return pull(source)
    path = Path(source)
    try:
        size = path.stat().st_size
        if size > 2 * MAX_BYTES:
            raise UsageError(f"{source} has {size:,} bytes, too many for a bundle")
        return read_layout(path.read_bytes(), source)
    except OSError as error:
        raise UsageError(f"{source} cannot be read: {error.strerror}") from error
