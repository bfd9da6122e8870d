"""When Python looks for garbage: not while a tree is read, of which everything is kept."""

from __future__ import annotations

import atexit
import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def collecting_later() -> Iterator[None]:
    """Looking through what is made here would take a third longer, and find nothing."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def collect_nothing_at_exit() -> None:
    """For a command that holds a tree until it ends: Python would look through it once more."""
    atexit.register(gc.freeze)
