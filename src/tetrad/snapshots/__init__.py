"""Everything that an identity needs to answer again, by content: taken, kept, moved and unpacked.

A snapshot holds files of the repository. What lies outside of it (weights, images, endpoints) stays a
pin in those files.
"""

from typing import TYPE_CHECKING

from tetrad.reexports import importer

if TYPE_CHECKING:
    from tetrad.snapshots.snapshot import Snapshot
    from tetrad.snapshots.taking import check_snapshot, take_snapshot
    from tetrad.snapshots.unpacking import unpack

__all__ = ["Snapshot", "check_snapshot", "take_snapshot", "unpack"]

if not TYPE_CHECKING:
    __getattr__ = importer(
        __name__,
        {
            "snapshot": ["Snapshot"],
            "taking": ["check_snapshot", "take_snapshot"],
            "unpacking": ["unpack"],
        },
    )
