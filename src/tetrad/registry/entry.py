"""An entry of the ledger, and the digest that chains it to the one before."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal, NamedTuple, TypeAlias

from tetrad.canonical import Digest, Json, digest_of
from tetrad.identity import written_identity

Kind: TypeAlias = Literal[
    "identity", "run", "results", "decision", "snapshot", "evidence", "approval", "admission",
    "withdrawal", "deployment", "erasure",
]  # fmt: skip


_TIME = "%Y-%m-%dT%H:%M:%S.%fZ"


class Head(NamedTuple):
    """The last entry of a ledger at some time: with it, everything before is fixed."""

    number: int
    digest: Digest


@dataclass(frozen=True, kw_only=True, slots=True)
class NewEntry:
    """Something that happened, to be appended."""

    kind: Kind
    stack: str | None = None  # reference
    identity: Digest | None = None
    environment: str | None = None
    content: bytes
    beside: tuple[bytes, ...] = ()  # further contents, which the content names by their digests


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One thing that happened. `content` is the digest of what it says, which is stored apart."""

    number: int  # from 1, without gaps
    kind: str  # a newer Tetrad may know further ones
    at: str  # as `written_time`, when it was appended
    stack: str | None
    identity: Digest | None
    environment: str | None
    content: Digest
    previous: Digest | None  # the digest of the entry before; None for the first

    @property
    def digest(self) -> Digest:
        """SHA-256 over the RFC 8785 JSON of the document."""
        return digest_of(self.document())

    def document(self) -> dict[str, Json]:
        """The fields, as they are digested and exported."""
        return {
            "number": self.number,
            "kind": self.kind,
            "at": self.at,
            "stack": self.stack,
            "identity": None if self.identity is None else written_identity(self.identity),
            "environment": self.environment,
            "content": str(self.content),
            "previous": None if self.previous is None else str(self.previous),
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class Fault:
    """Where a ledger is not what was appended, and how; `number` is None for the file as a whole."""

    number: int | None
    message: str


def written_time(moment: datetime) -> str:
    """RFC 3339 in UTC with microseconds, so that texts sort as times do."""
    return moment.astimezone(UTC).strftime(_TIME)


def read_time(written: str) -> datetime:
    """What `written_time` wrote; ValueError on anything else."""
    moment = datetime.strptime(written, _TIME).replace(tzinfo=UTC)
    if written_time(moment) != written:
        raise ValueError(f"{written!r} is not a time like 2026-01-31T12:00:00.000000Z")
    return moment
