"""How an identity is written, for programs and for people."""

from __future__ import annotations

from tetrad.canonical import Digest

_SHORT = 12


def written_identity(digest: Digest) -> str:
    """The identity as it is written: `tetrad:` and 64 hexadecimal digits."""
    return f"tetrad:{digest.hex}"


def read_identity(written: object) -> Digest:
    """What `written_identity` wrote; ValueError on anything else."""
    if not isinstance(written, str) or not written.startswith("tetrad:"):
        raise ValueError(f"{written!r} is not tetrad: and 64 hexadecimal digits")
    return Digest.parse(f"sha256:{written.removeprefix('tetrad:')}")


def short(digest: Digest) -> str:
    """The first 12 hexadecimal digits, for people."""
    return digest.hex[:_SHORT]
