"""The gateway as a process: it listens, and on SIGTERM it turns unready, drains and ends."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
import time
from types import FrameType

import uvicorn
from starlette.types import ASGIApp

from tetrad.errors import UsageError
from tetrad.gateway.connections import GuardedConnection
from tetrad.gateway.following import Following
from tetrad.gateway.loaded import LEAST_S

# Longer than clients and load balancers keep an idle connection: who closes first loses no request.
_KEEP_ALIVE_S = 75
# From unready to the end of listening: by then whoever balances the load sends nothing more.
_UNREADY_S = 2.0
_LAST_WORDS_S = 2.0  # for answers that were ended to say so


def bound(host: str, port: int) -> socket.socket:
    """A socket to listen on; UsageError where there can be none."""
    if not 0 <= port <= 65_535:
        raise UsageError(f"--port: {port} is not a port\n  help: name one of 0 to 65535")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        raise UsageError(
            f"cannot listen on {host}:{port}: {error.strerror}"
            "\n  help: name another port with --port, or another address with --host"
        ) from error


def serve(app: ASGIApp, following: Following, listener: socket.socket) -> None:
    """Answer until SIGTERM or Ctrl-C; a second one does not wait for what is in flight."""
    config = uvicorn.Config(
        app,
        http=GuardedConnection,
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=_KEEP_ALIVE_S,
    )
    following.address = address_of(listener)
    _Server(config, following).run([listener])


def address_of(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, following: Following) -> None:
        super().__init__(config)
        self._following = following
        self._loop: asyncio.AbstractEventLoop | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        await super().startup(sockets)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen no longer, and wait for what is under way, though not for ever."""
        ending = asyncio.create_task(self._end_answers())
        await super().shutdown(sockets)
        ending.cancel()

    async def _end_answers(self) -> None:
        fleet = self._following.fleet
        began = time.monotonic()

        def ends_by() -> float:
            if fleet.grace_s is not None:
                return began + fleet.grace_s
            return max(began + LEAST_S, fleet.ends_by)

        # What is still being read when this begins may end later than all that is answered then.
        while (left_s := ends_by() - time.monotonic()) > 0:  # noqa: ASYNC110 - an end has no event
            await asyncio.sleep(left_s)
        await fleet.close()
        await asyncio.sleep(_LAST_WORDS_S)
        for connection in self.server_state.connections.copy():
            assert isinstance(connection, GuardedConnection)  # noqa: S101 - there are no others
            connection.cut_off()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002 - uvicorn's
        if self._following.is_draining:
            logging.getLogger(
                "uvicorn.error"
            ).disabled = True  # it would tell of each cancelled task
            self.should_exit = self.force_exit = True
            return
        self._following.is_draining = True
        if sig == signal.SIGTERM and self._loop is not None:
            self._loop.call_soon_threadsafe(self._end_soon)
        else:
            self.should_exit = True

    def _end_soon(self) -> None:
        assert self._loop is not None  # noqa: S101 - it called this
        self._following.fleet.changed.set()
        self._loop.call_later(_UNREADY_S, setattr, self, "should_exit", True)
