"""Bring a model's pinned files here, once, and hand them out verified."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tetrad.artifacts.download import megabytes
from tetrad.artifacts.progress import Progress, Unwatched
from tetrad.artifacts.sources import FetchRequest, fetch_files, needs_nothing
from tetrad.artifacts.store import Store
from tetrad.artifacts.weights import check_header, refuse_unsafe_name
from tetrad.canonical import Digest
from tetrad.errors import ArtifactError
from tetrad.model import Model


def fetch(
    model: Model,
    store: Store,
    *,
    root: Path,
    offline: bool = False,
    progress: Progress | None = None,
) -> Mapping[str, Path]:
    """The verified files of a model by name, fetched where the store lacks them.

    `root` is the repository, for `file://` sources. Raises FetchFailed where a source did not
    deliver, ArtifactError where a file is not the pinned one or is missing offline.
    """
    if needs_nothing(model.source):
        return {}
    if not model.files:
        raise ArtifactError(
            f"{model.location}: {model.ref} names no files, so nothing can be fetched"
            f"\n  help: tetrad pin {model.location.file}"
        )
    for name in model.files:
        refuse_unsafe_name(name, model.location)
    watcher = progress or Unwatched()
    if missing(model, store):
        if offline:
            raise ArtifactError(_offline_message(model, store))
        try:
            with store.fetching(model.source.uri, watcher):
                _fetch_missing(model, store, root, watcher)
        except OSError as exc:
            raise ArtifactError(
                f"{model.source.uri} cannot be kept in {store.root}: {exc}"
            ) from exc
    return {name: _loaded(store, name, digest) for name, digest in model.files.items()}


def missing(model: Model, store: Store) -> Mapping[str, Digest]:
    """The files that the store lacks, or holds in another form than they were fetched in."""
    return {name: digest for name, digest in model.files.items() if not _is_whole(store, digest)}


def _is_whole(store: Store, digest: Digest) -> bool:
    try:
        return store.load(digest) is not None
    except ArtifactError:
        return False


def _fetch_missing(model: Model, store: Store, root: Path, progress: Progress) -> None:
    lacking = missing(model, store)  # another process may have fetched while we waited
    order = FetchRequest(
        source=model.source, wanted=lacking, root=root, store=store, progress=progress
    )
    for digest in lacking.values():
        store.discard(digest)
    if lacking:
        fetch_files(order)


def _loaded(store: Store, name: str, digest: Digest) -> Path:
    path = store.load(digest)
    if path is None:
        raise ArtifactError(f"{name} ({digest}) vanished from {store.root} while it was fetched")
    check_header(name, path)
    return path


def _offline_message(model: Model, store: Store) -> str:
    lacking = missing(model, store)
    lines = [f"missing files for {model.ref}; --offline prevents download"]
    for name, digest in lacking.items():
        try:
            store.load(digest)
            begun = store.begun(digest)
            here = f", of which {megabytes(begun)} are here" if begun else ""
            lines.append(f"  missing {name} ({digest}){here}")
        except ArtifactError as exc:
            lines.append(f"  changed {name}: {exc}")
    lines.append(f"  help: tetrad pull {model.ref.rsplit('/', 1)[-1]}")
    return "\n".join(lines)
