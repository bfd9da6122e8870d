"""Which contents the manifest of a snapshot names: its files, and the identity document."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress

from sqlalchemy import Connection, select

from tetrad.canonical import Digest
from tetrad.identity import read_identity
from tetrad.registry.ledger_tables import CONTENTS, ENTRIES


def files_in(manifest: bytes) -> tuple[Digest, ...]:
    """The files that a manifest names; none where it is no manifest."""
    files = _read(manifest).get("files")
    named = files if isinstance(files, list) else []
    digests = [file.get("digest") for file in named if isinstance(file, dict)]
    return tuple(_readable(digests, Digest.parse))


def contents_in(manifest: bytes) -> tuple[Digest, ...]:
    """The files and the identity document that a manifest names."""
    identity = _read(manifest).get("identity")
    return (*_readable([identity], read_identity), *files_in(manifest))


def _read(manifest: bytes) -> Mapping[str, object]:
    try:
        said = json.loads(manifest)
    except (ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}


def _readable(names: Iterable[object], read: Callable[[str], Digest]) -> Iterator[Digest]:
    """What is not written as a digest names nothing, and leaves what the others name."""
    for name in names:
        with suppress(ValueError):
            yield read(str(name))


def files_of_no_other(connection: Connection, contents: Iterable[Digest]) -> tuple[Digest, ...]:
    """The files that the snapshots among some contents name, and no other snapshot does."""
    wanted = set(map(str, contents))
    of_kind = select(ENTRIES.c.content).where(ENTRIES.c.kind == "snapshot").distinct()
    if not wanted.intersection(connection.execute(of_kind).scalars()):
        return ()
    query = select(CONTENTS.c.digest, CONTENTS.c.bytes).where(
        CONTENTS.c.digest.in_(of_kind), CONTENTS.c.bytes.is_not(None)
    )
    ours: dict[Digest, None] = {}
    others: set[Digest] = set()
    for digest, manifest in connection.execute(query.execution_options(stream_results=True)):
        if digest in wanted:
            ours |= dict.fromkeys(files_in(manifest))
        else:
            others.update(files_in(manifest))
    return tuple(file for file in ours if file not in others)
