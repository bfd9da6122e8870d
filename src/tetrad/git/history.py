"""What a file was over time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from tetrad.git.checkout import Checkout
from tetrad.git.objects import Objects


@dataclass(frozen=True, kw_only=True, slots=True)
class Version:
    """A file from a commit on."""

    path: str
    commit: str
    date: str  # of the commit, RFC 3339
    author: str
    subject: str
    data: bytes


def history_of(root: Path, path: str) -> tuple[Version, ...]:
    """The contents of a file below the root on the way to HEAD, by first parents, the oldest first."""
    return tuple(_versions(Checkout.of(root), path))


def _versions(checkout: Checkout, path: str) -> Iterator[Version]:
    said = checkout.git(
        "log", "--first-parent", "--reverse", "-m", "--raw", "--no-abbrev", "--no-renames", "-z",
        "--format=%x01%H%x00%cI%x00%an%x00%s", "--", f":(literal){path}",
    )  # fmt: skip
    with closing(Objects(checkout)) as objects:
        for record in filter(None, said.split("\x01")):
            commit, date, author, subject, *raw = record.split("\0")
            blob = next((part.split()[3] for part in raw if part.lstrip("\n").startswith(":")), "")
            if blob.strip("0"):  # else the commit removes it
                data = objects.blob(blob)
                yield Version(
                    path=path, commit=commit, date=date, author=author, subject=subject, data=data
                )
