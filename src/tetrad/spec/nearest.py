"""The nearest known name to one that is unknown."""

from __future__ import annotations

from collections.abc import Iterable


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that a typo most likely meant."""
    import difflib

    names = list(known)
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    if not close:
        lowered = {candidate.lower(): candidate for candidate in names}
        close = [
            lowered[match]
            for match in difflib.get_close_matches(name.lower(), lowered, n=1, cutoff=0.6)
        ]
    return close[0] if close else None


def did_you_mean(name: str, known: Iterable[str], otherwise: str = "") -> str:
    """A hint that names the nearest known name."""
    close = nearest(name, known)
    return f"did you mean {close}?" if close else otherwise
