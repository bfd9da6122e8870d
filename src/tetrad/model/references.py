"""References: paths from the repository's root without the ending, or ./ relative to a file."""

from __future__ import annotations

import posixpath
from collections.abc import Collection

ENDINGS = (".yaml", ".yml")


class ReferenceRefused(ValueError):
    """A text that is not a reference; its text says what to write."""


def normalised(text: str, file: str) -> str:
    """The path from the root that a path written in a file means."""
    if "\\" in text:
        meant = text.replace("\\", "/").lstrip("/")
        raise ReferenceRefused(f"write {meant}: a path is written with /, on every system")
    if text.startswith("/") or "\0" in text:
        raise ReferenceRefused("write the path from the repository's root, without / in front")
    folder = posixpath.dirname(file)
    joined = posixpath.join(folder, text) if text.startswith(("./", "../")) else text
    path = posixpath.normpath(joined)
    if path == ".." or path.startswith("../"):
        raise ReferenceRefused("this path leaves the repository")
    return path


def reference(text: str, file: str) -> str:
    """The reference that a text in a file means."""
    path = normalised(text, file)
    if path.endswith(ENDINGS):
        raise ReferenceRefused(f"write {path.rsplit('.', 1)[0]}: a reference has no ending")
    return path


def reference_of(file: str) -> str:
    """The reference of a file: a suite's is its folder."""
    stem = file.rsplit(".", 1)[0]
    return stem.removesuffix("/suite") if stem.startswith("evals/") else stem


def last_part(ref: str) -> str:
    """How people call what a reference means, where nothing else is called so."""
    return ref.rsplit("/", 1)[-1]


def named(name: str, refs: Collection[str]) -> list[str]:
    """The references that a name means: itself, or else those whose last part it is."""
    return [name] if name in refs else [ref for ref in refs if last_part(ref) == name]


def candidates(ref: str) -> tuple[str, ...]:
    """The files that a reference can mean."""
    return tuple(f"{ref}{ending}" for ending in ENDINGS) + tuple(
        f"{ref}/suite{ending}" for ending in ENDINGS
    )
