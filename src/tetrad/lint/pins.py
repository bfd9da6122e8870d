"""What fixes a model outside of the repository: revisions, vendor names, digests, image references."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from tetrad.lint.tree import Part

_REVISION = r"[0-9a-f]{40}\Z"
_DIGEST = r"sha256:[0-9a-f]{64}\Z"
_IMAGE_DIGEST = r"@sha256:[0-9a-f]{64}\Z"
_EXACT_VERSION = r"==[0-9][\w.!+-]*\Z"

# Names that move by their meaning, whatever the host.
FLOATING = frozenset(
    {"main", "master", "latest", "head", "trunk", "dev", "nightly", "stable", "current", "preview"}
)

# How vendors date a version: -2024-08-06, -20241022, -08-2024, -0613, -2407, -002, @20240620.
_DATED = (
    r"(?:^|[-_@.:])(?:20\d{2}-\d{2}-\d{2}|20\d{6}|\d{2}-20\d{2}|\d{2}-\d{2}|\d{4}|0\d{2})"
    r"(?=$|[-_@:.]v?\d|:|-v\d|-preview|-exp)"
)


class WrittenSource(NamedTuple):
    """A source as it is written: what it names, and the revision, version or tag after it."""

    scheme: str
    name: str
    pin: str


def written_source(uri: str) -> WrittenSource:
    scheme, _, rest = uri.partition("://")
    if scheme == "pypi":
        name, mark, version = rest.partition("==")
        return WrittenSource(scheme, name, f"{mark}{version}")
    if scheme == "hf":
        name, _, revision = rest.partition("@")
        return WrittenSource(scheme, name, revision)
    return WrittenSource(scheme, rest, "")


def loaded_by(model: Part) -> Iterator[Part]:
    """What has a source and files of its own: the model and its adapters."""
    yield model
    adapters = model.get("adapters")
    if adapters is not None:
        yield from adapters.parts()


def sources_of(model: Part) -> Iterator[tuple[Part, str]]:
    """Every source that is written as a text, with it."""
    for holder in loaded_by(model):
        source = holder.get("source")
        if source is not None and source.text is not None:
            yield source, source.text


def is_revision(text: str) -> bool:
    return _compiled(_REVISION).match(text) is not None


def is_digest(text: str) -> bool:
    return _compiled(_DIGEST).match(text) is not None


def is_exact_version(text: str) -> bool:
    return _compiled(_EXACT_VERSION).match(text) is not None


def is_pinned_image(reference: str) -> bool:
    return _compiled(_IMAGE_DIGEST).search(reference) is not None


def image_tag(reference: str) -> str:
    """The tag of an image reference; latest where it has none, as container tools take it."""
    last = reference.rpartition("/")[2].partition("@")[0]
    return last.partition(":")[2] or "latest"


def is_dated(model: str) -> bool:
    """Whether a vendor's model name says which version it is."""
    words = set(re.split(r"[-_@.:/]", model.lower()))
    return not words & {"latest", "main"} and _compiled(_DATED).search(model) is not None


def how_to_pin(part: Part, by_hand: str) -> str:
    """The help for what is not pinned: the command, where it writes this place, or an edit."""
    if part.path[0] in {"source", "files"}:
        return f"run `tetrad pin {part.file}`, or {by_hand}"
    return by_hand


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)
