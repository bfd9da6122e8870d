"""Digests as names and labels have them: Kubernetes takes 63 characters at most."""

from __future__ import annotations

_DIGITS = 12


def short(digest: str) -> str:
    """The first digits, without the name of the algorithm or of what they identify."""
    return digest.rpartition(":")[2][:_DIGITS]
