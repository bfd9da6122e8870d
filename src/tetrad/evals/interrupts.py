"""Running until the end or an interrupt, which comes in two steps: Ctrl-C, or SIGTERM from a CI system.

The first cancels what runs: nothing more is asked, and answers on their way are waited for. The
second ends that, too.
"""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Callable, Coroutine
from types import FrameType
from typing import Any, TypeVar, cast

_T = TypeVar("_T")


def run(work: Coroutine[Any, Any, _T]) -> _T:
    """`asyncio.run`, whose loop a second interrupt stops between two steps.

    asyncio itself raises it wherever the loop is, so that a task is torn in the middle and others
    wait for it.
    """
    is_ours = threading.current_thread() is threading.main_thread()  # and nobody else's
    is_ours = is_ours and signal.getsignal(signal.SIGINT) is signal.default_int_handler
    return asyncio.run(_in_two_steps(work) if is_ours else work)


async def _in_two_steps(work: Coroutine[Any, Any, _T]) -> _T:
    first = cast("Callable[[int, FrameType | None], object]", signal.getsignal(signal.SIGINT))
    loop, interrupts = asyncio.get_running_loop(), 0

    def on_interrupt(number: int, frame: FrameType | None) -> None:
        nonlocal interrupts
        interrupts += 1
        if interrupts == 2:
            loop.call_soon_threadsafe(_stop)
        else:
            first(number, frame)  # and a third, where the loop itself is stuck

    signal.signal(signal.SIGINT, on_interrupt)
    try:
        return await work
    finally:
        signal.signal(signal.SIGINT, first)


def _stop() -> None:
    raise KeyboardInterrupt
