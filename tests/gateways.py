"""A gateway on a port of this machine, the snapshots that it serves, and what it follows."""

from __future__ import annotations

import hashlib
import re
import socket
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
import uvicorn
from fakes import Asked, Reply
from starlette.routing import Route

from tetrad.artifacts.store import Store
from tetrad.canonical import Digest
from tetrad.corpora import VectorStore
from tetrad.errors import DatabaseError
from tetrad.gateway.app import create_app
from tetrad.gateway.collaborators import Gateway
from tetrad.gateway.connections import GuardedConnection
from tetrad.gateway.fleet import Fleet
from tetrad.gateway.following import Following, Pointers
from tetrad.gateway.identity_loader import IdentityLoader
from tetrad.gateway.limiting.limiter import Limiter
from tetrad.gateway.limiting.money import Exchange, Money
from tetrad.gateway.limiting.purse import Claim, Holding
from tetrad.gateway.proposals import Proposals, Taken
from tetrad.gateway.recent_answers import KeepsTraffic, RecentAnswers
from tetrad.gateway.shared_models import SharedModels
from tetrad.identity import written_identity
from tetrad.model.serving import Access, Client, Retain, RolloutPlan, Serving
from tetrad.pointer import (
    GatewayState,
    Pointer,
    PointerChange,
    Rollout,
    ServedIdentity,
    StackPointer,
    Withdrawal,
)
from tetrad.snapshots import Snapshot, take_snapshot
from tetrad.telemetry.metrics import Metrics
from tetrad.telemetry.spans import Tracing
from tetrad.tools import LiveRun
from tetrad.trees import WorkingTree

AT = datetime(2026, 1, 31, 12, tzinfo=UTC)
STACK = "stacks/echo"

FILES = {
    "stacks/echo.yaml": "kind: stack\nprompt: prompts/echo\nmodel: stacks/models/server\n",
    "stacks/models/server.yaml": (
        "kind: model\nsource: vendor://openai/parrot-2026-01-01\ncontext_window: 8000\n"
        "engine: {openai: {model: parrot-2026-01-01, base_url_env: UPSTREAM, api_key_env: null}}\n"
    ),
    "prompts/echo.yaml": (
        "kind: prompt\n"
        "variables:\n"
        "  message: {type: string, trust: untrusted, max_chars: 1000}\n"
        "  mood: {type: string, trust: trusted, enum: [glad, sad], required: false, default: glad}\n"
        "messages:\n"
        "  - {role: system, content: 'You are parrot VERSION.'}\n"
        "  - {role: user, content: 'Say {{ message }}'}\n"
        "generation: {temperature: 0, max_tokens: 64}\n"
        "chat: {input: message, history: {max_tokens: 1000}}\n"
    ),
}

# The same with a tool that destroys something.
CANCELLING = {
    **FILES,
    "stacks/echo.yaml": FILES["stacks/echo.yaml"] + "tools: [stacks/tools/cancel]\n",
    "stacks/tools/cancel.yaml": (
        "kind: tool\nname: cancel_order\ndescription: Cancel an order.\neffect: destructive\n"
        "input_schema: {type: object, properties: {order_id: {type: string}}, "
        "required: [order_id], additionalProperties: false}\n"
        'run: {python: "orders:cancel"}\n'
    ),
    "stacks/tools/orders.py": "def cancel(order_id):\n    return f'{order_id} is cancelled'\n",
}


def parrot(asked: Asked) -> Reply:
    """Answers with what it was told to say, and by which version of the prompt."""
    messages = asked.body["messages"]
    version = re.search(r"parrot (\w+)", messages[0]["content"])
    assert version is not None
    said = messages[-1]["content"].removeprefix("Say ")
    return Reply(text=f"{version[1]}: {said}")


@dataclass
class Served:
    """Snapshots by their digests, and who serves them: what the registry holds."""

    root: Path
    snapshots: dict[Digest, Snapshot] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)  # `tetrad:…` by version

    def take(
        self, version: str, files: Mapping[str, str] = FILES, stack: str = STACK
    ) -> ServedIdentity:
        """Write a version of the stack, and keep its snapshot."""
        root = self.root / version
        for path, text in files.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(text.replace("VERSION", version))
        snapshot = take_snapshot(WorkingTree(root), stack)
        self.snapshots[snapshot.digest] = snapshot
        self.names[version] = written_identity(snapshot.identity)
        return ServedIdentity(
            identity=snapshot.identity, snapshot=snapshot.digest, commit="0" * 40, since=AT
        )


@dataclass
class Followed:
    """An environment's pointers in memory; `lost` makes the registry one that does not answer."""

    lost: bool = False
    last: Pointer | None = None
    states: list[GatewayState] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    _moved: threading.Condition = field(default_factory=threading.Condition)

    def watch(self, after: int = 0) -> Iterator[Pointer]:
        while True:
            with self._moved:
                self._refuse()
                if self.last is not None and self.last.number > after:
                    after = self.last.number
                    newer = self.last
                else:
                    self._moved.wait(0.2)
                    continue
            yield newer

    def report(self, state: GatewayState) -> None:
        self._refuse()
        self.states.append(state)

    def leave(self, gateway: str) -> None:
        self._refuse()
        self.left.append(gateway)

    def _refuse(self) -> None:
        if self.lost:
            raise DatabaseError("nobody is there")

    def move(
        self, *, access: Access | None = None, retain: Retain | None = None, **stacks: StackPointer
    ) -> Pointer:
        """Write the next pointer."""
        number = 1 if self.last is None else self.last.number + 1
        pointer = Pointer(
            environment="local",
            number=number,
            at=AT,
            commit="0" * 40,
            change=PointerChange(kind="deploy", stacks=tuple(stacks)),
            stacks={stack.stack: stack for stack in stacks.values()},
            access=access or Access(),
            retain=retain or Retain(),
        )
        with self._moved:
            self.last = pointer
            self._moved.notify_all()
        return pointer

    def wait_for(self, number: int, timeout_s: float = 60) -> GatewayState:
        """The first state by which the pointer was acknowledged."""
        until = time.monotonic() + timeout_s
        while time.monotonic() < until:
            for state in self.states:
                if state.number >= number:
                    return state
            time.sleep(0.005)
        raise AssertionError(f"pointer {number} was not acknowledged: {self.states[-1:]}")


def alone(live: ServedIdentity, *warm: ServedIdentity) -> StackPointer:
    return StackPointer(stack=STACK, live=live, serving=Serving(), warm=warm)


def rolling(live: ServedIdentity, to: ServedIdentity, percent: float) -> StackPointer:
    serving = Serving(rollout=RolloutPlan(steps=(percent, 100.0)))
    rollout = Rollout(to=to, serving=serving, step=0, began=AT, step_began=AT)
    return replace(alone(live), rollout=rollout)


def withdrawn(live: ServedIdentity, left: ServedIdentity) -> StackPointer:
    withdrawal = Withdrawal(
        identity=left.identity, at=AT, by="", reason="wrong answers", commit=left.commit
    )
    return replace(alone(live), withdrawn=(withdrawal,))


class Unreachable:
    """A registry that does not answer: without limits of money nobody asks it."""

    def exchange(self, claims: Sequence[Claim]) -> Mapping[str, Holding]:
        raise DatabaseError("nobody is there")


@contextmanager
def gateway(
    followed: Pointers,
    snapshots: Mapping[Digest, Snapshot],
    cache: Path,
    *,
    further: Sequence[Route] = (),
    traffic: KeepsTraffic | None = None,
    tracing: Tracing | None = None,
    spending: Exchange | None = None,
    vectors: VectorStore | None = None,
    taken: Taken | None = None,
) -> Iterator[str]:
    """Run one; gives its address."""
    metrics = Metrics(environment="local", release="test")
    models = SharedModels(
        Store(cache),
        offline=True,
        tell_circuit=lambda upstream, is_open: metrics.circuit(upstream, is_open=is_open),
    )
    loader = IdentityLoader(snapshots.__getitem__, models, LiveRun(), vectors)
    app = create_app(
        Gateway(
            following=Following(followed, "local", Fleet(loader)),
            metrics=metrics,
            recent=RecentAnswers(traffic),
            limiter=Limiter(Money(spending or Unreachable()), metrics),
            tracing=tracing,
            proposals=Proposals(taken),
        ),
        further=further,
    )
    with listening(app) as address:
        yield address


@contextmanager
def listening(app: Any) -> Iterator[str]:
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        app, http=GuardedConnection, ws="none", log_config=None, timeout_graceful_shutdown=10
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.005)
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(20)


def ask(address: str, message: str = "hello", **more: Any) -> httpx2.Response:
    return httpx2.post(
        f"{address}/v1/stacks/echo/answer",
        json={"variables": {"message": message}, **more},
        timeout=60,
    )


def until_warm(address: str) -> None:
    """Until the identity that served before is loaded."""
    end = time.monotonic() + 60
    while not httpx2.get(f"{address}/identity").json()["stacks"][STACK]["warm"][0]["loaded"]:
        assert time.monotonic() < end
        time.sleep(0.02)


def clients(**found: Client) -> Access:
    return Access(clients=found)


def digest(key: str) -> Digest:
    return Digest("sha256", hashlib.sha256(key.encode()).digest())


def bearer(key: str) -> Mapping[str, str]:
    return {"Authorization": f"Bearer {key}"}
