"""A Lease of a namespace that one process holds at a time, for as long as it says that it is there."""

from __future__ import annotations

import getpass
import os
import re
import signal
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Self

from tetrad.cluster_api.cluster_objects import ClusterApi, Object
from tetrad.cluster_api.leases import LEASES, lease_named, micro_time
from tetrad.errors import ClusterConflict, ClusterError

_MANAGER = "tetrad-lease"
_LEFT = "tetrad.dev/left-by"
_EXPIRES = timedelta(seconds=60)  # after the last sign of life
_RENEWS_S = 15.0
_LOOKS_S = 2.0
_HOLDER = re.compile(r"\S*@(\S+) \(pid (\d+)\)")


@dataclass(frozen=True, kw_only=True, slots=True)
class Holder:
    """Who holds a lease."""

    name: str  # USER@HOST (pid NUMBER)
    since: datetime
    seen: datetime

    def is_gone(self, now: datetime) -> bool:
        """Of this machine it is known at once, of others after a while."""
        host, pid = _place(self.name)
        if host == socket.gethostname():
            return not _runs(pid)
        return now - self.seen > _EXPIRES

    def __str__(self) -> str:
        return f"{self.name}, since {self.since:%Y-%m-%d %H:%M:%S} UTC"


class HeldLease:
    """The lease of a name, held in a `with` by who is alone in it; all others wait, or give up.

    Who holds it renews it. Who is not heard of any more loses it to the next. A process that lost it,
    because it stood still for long, is interrupted.
    """

    def __init__(
        self,
        context: str,
        namespace: str,
        name: str,
        *,
        is_new: bool,
        waits_s: float,
        say: Callable[[str], None],
    ) -> None:
        """`is_new`: the namespace is still to be made, and the lease is taken once it is there. `say` is
        told whom this waits for, and whose place it takes.
        """
        self._is_new = is_new
        self._api = ClusterApi(context, namespace)
        self._name = name
        self._waits_s = waits_s
        self._say = say
        self._me = f"{_user()}@{socket.gethostname()} (pid {os.getpid()})"
        self._version: str | None = None  # of the object, while it is held
        self._since = datetime.fromtimestamp(0, UTC)
        self._left: tuple[str, ...] = ()
        self._ends = threading.Event()
        self._renewing = threading.Thread(target=self._renew, daemon=True)

    def is_gone(self, host: str, pid: int) -> bool:
        """Whether a process that left something behind is known to run no more: on this machine, or on one
        that held the lease and did not give it back.
        """
        if host == socket.gethostname():
            return not _runs(pid)
        return host in {_place(name)[0] for name in self._left}

    def __enter__(self) -> Self:
        """Waits for who holds it; ClusterError where that takes too long."""
        try:
            if not self._is_new:
                self._take()
        except BaseException:
            self._api.close()
            raise
        self._renewing.start()
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        self._ends.set()
        self._renewing.join()
        with suppress(ClusterError):  # it expires by itself
            if self._version is not None:
                self._write(held=False, left=self._left if kind else ())
        self._api.close()

    def _take(self) -> None:
        until, told = time.monotonic() + self._waits_s, False
        while (other := self._taken()) is not None:
            if time.monotonic() > until:
                raise ClusterError(
                    f"{self._name} is held by {other}, last heard of at {other.seen:%H:%M:%S}"
                    f"\n  help: wait for it, or end it; {_EXPIRES.seconds} s after its last sign of"
                    " life the next one takes its place"
                )
            if not told:
                self._say(f"waiting for {other}")
                told = True
            time.sleep(_LOOKS_S)

    def _taken(self) -> Holder | None:
        """Take it; who holds it instead."""
        obj = self._api.get(LEASES, self._name) or self._made()
        holder = _holder(obj)
        now = self._api.now()
        if holder is not None and not holder.is_gone(now):
            return holder
        left = obj["metadata"].get("annotations", {}).get(_LEFT, "").split("\n")
        if holder is not None:
            self._say(f"{holder} is gone: this takes its place")
            left.append(holder.name)
        self._left = tuple(dict.fromkeys(filter(None, left)))
        self._since, self._version = now, obj["metadata"]["resourceVersion"]
        try:
            self._write(held=True, left=self._left)
        except ClusterConflict:
            self._version = None
            return self._taken()
        return None

    def _renew(self) -> None:
        while not self._ends.wait(_LOOKS_S if self._version is None else _RENEWS_S):
            with suppress(ClusterError):  # of an outage others tell, and a renewal is tried again
                if self._version is None:
                    self._taken()
                    continue
                try:
                    self._write(held=True, left=self._left)
                except ClusterConflict:
                    self._look_again()

    def _look_again(self) -> None:
        """Somebody wrote it: somebody else who holds it now, or who edited it by hand."""
        obj = self._api.get(LEASES, self._name) or self._made()
        holder = _holder(obj)
        if holder is None or holder.name == self._me:
            self._version = obj["metadata"]["resourceVersion"]
            return
        self._version = None
        self._ends.set()
        self._say(f"{holder} took the place of this, which stood still for long")
        if os.getpgrp() == os.getpid():
            os.killpg(os.getpid(), signal.SIGINT)  # with the programs that it runs
        else:
            os.kill(os.getpid(), signal.SIGINT)

    def _made(self) -> Object:
        """The object without a holder: made by another manager, so that of two who make it at once none
        takes the other's away.
        """
        return self._api.apply(LEASES, lease_named(self._name), manager=f"{_MANAGER}-made")

    def _write(self, *, held: bool, left: tuple[str, ...]) -> None:
        obj = lease_named(self._name)
        obj["metadata"]["resourceVersion"] = self._version
        if left:
            obj["metadata"]["annotations"] = {_LEFT: "\n".join(left)}
        if held:
            obj["spec"] = {
                "holderIdentity": self._me,
                "leaseDurationSeconds": _EXPIRES.seconds,
                "acquireTime": micro_time(self._since),
                "renewTime": micro_time(self._api.now()),
            }
        self._version = self._api.apply(LEASES, obj, manager=_MANAGER)["metadata"][
            "resourceVersion"
        ]


def _holder(obj: Object) -> Holder | None:
    spec = obj.get("spec") or {}
    if not spec.get("holderIdentity"):
        return None
    try:
        seen = datetime.fromisoformat(spec["renewTime"])
        since = datetime.fromisoformat(spec.get("acquireTime") or spec["renewTime"])
    except (KeyError, TypeError, ValueError):
        seen = since = datetime.fromtimestamp(0, UTC)  # not written here: it says nothing
    return Holder(name=spec["holderIdentity"], since=since, seen=seen)


def _place(name: str) -> tuple[str, int]:
    """Host and process of a holder; none of one that is named otherwise."""
    found = _HOLDER.fullmatch(name)
    return (found[1], int(found[2])) if found else ("", 0)


def _runs(pid: int) -> bool:
    """Whether a process of this machine is there."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # an account that the machine has no name for
        return str(os.getuid())
