"""Work that blocks, in a thread of its own that nothing waits for at the end.

The event loop's own threads are joined when the process ends, and one that waits for a database
which does not answer would keep it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from threading import Thread
from typing import TypeVar

_T = TypeVar("_T")


async def in_daemon_thread(work: Callable[[], _T]) -> _T:
    """What the work returns or raises; cancelling leaves it to itself."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[_T] = loop.create_future()

    def deliver(result: _T | None, error: BaseException | None) -> None:
        if done.done():
            return
        if error is not None:
            done.set_exception(error)
        else:
            done.set_result(result)  # type: ignore[arg-type]  # of work that did not fail

    def run() -> None:
        try:
            result, failed = work(), None
        except BaseException as error:  # noqa: BLE001 - whoever waits gets it, whatever it is
            result, failed = None, error
        with suppress(RuntimeError):  # the loop has ended meanwhile
            loop.call_soon_threadsafe(deliver, result, failed)

    Thread(target=run, name="tetrad-gateway", daemon=True).start()
    return await done
