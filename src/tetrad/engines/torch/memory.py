"""Memory that runs out: the machine's fault, told apart from an error of ours."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tetrad.errors import EngineUnavailable
from tetrad.text import shorten

# torch raises a RuntimeError on a CPU, and a kind of it on a GPU.
_SIGNS = ("out of memory", "allocate memory", "not enough memory")


@contextmanager
def lack_of_memory_told(who: str) -> Iterator[None]:
    """EngineUnavailable where what runs inside finds no memory."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        said = str(error)
        if not isinstance(error, MemoryError) and not any(sign in said for sign in _SIGNS):
            raise
        raise EngineUnavailable(
            f"{who} ran out of memory: {shorten(said, 200)}"
            "\n  help: free some, or choose a smaller model"
        ) from error
