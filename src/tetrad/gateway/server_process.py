"""The gateway as a process: it listens, and on SIGTERM it turns unready, drains and ends."""

from __future__ import annotations

import asyncio
import signal
import socket
from types import FrameType

import uvicorn
from starlette.types import ASGIApp

from tetrad.errors import UsageError
from tetrad.gateway.connections import GuardedConnection
from tetrad.gateway.following import Following

# Longer than clients and load balancers keep an idle connection: who closes first loses no request.
_KEEP_ALIVE_S = 75
# From unready to the end of listening: by then whoever balances the load sends nothing more.
_UNREADY_S = 2.0
GRACE_S = 30  # for answers in flight


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
        timeout_graceful_shutdown=GRACE_S,
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

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002 - uvicorn's
        if self._following.is_draining:
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
