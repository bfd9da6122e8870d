"""Package URLs (purl) of what is pinned, for the kinds of sources that have one."""

from __future__ import annotations

import re
from urllib.parse import quote

from tetrad.model import Source


def package_url(source: Source) -> str | None:
    """The purl of a source; None where its kind has none."""
    name = source.uri.partition("://")[2]
    match source.scheme:
        case "hf":
            return _at("huggingface", *_split(name))
        case "pypi":
            package, _, version = name.partition("==")
            return _at("pypi", re.sub(r"[-_.]+", "-", package).lower(), version)
        case "oci":
            return container_url(name)
    return None


def container_url(written: str) -> str:
    """The purl of an image or artifact in a registry, as an engine's `image` writes it."""
    place, digest = _split(written)
    last = place.rpartition("/")[2]
    name, _, tag = last.partition(":")
    repository = place[: len(place) - len(last)] + name
    asked = [f"repository_url={quote(repository, safe='/:')}"] if "/" in repository else []
    asked += [f"tag={quote(tag, safe='')}"] if tag else []
    return _at("oci", name.lower(), digest) + (f"?{'&'.join(asked)}" if asked else "")


def version_of(source: Source) -> str | None:
    """The version that a source pins: a revision, a release, a digest, a dated name."""
    name = source.uri.partition("://")[2]
    if source.scheme == "pypi":
        return name.partition("==")[2] or None
    if source.scheme == "vendor":
        return name.rpartition("/")[2]
    return _split(name)[1] or None


def _split(name: str) -> tuple[str, str]:
    before, _, after = name.partition("@")
    return before, after


def _at(kind: str, name: str, version: str) -> str:
    at = f"@{quote(version, safe='')}" if version else ""
    return f"pkg:{kind}/{quote(name, safe='/')}{at}"
