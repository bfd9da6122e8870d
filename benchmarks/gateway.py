"""What the gateway costs: beside the bare model server, and beside LiteLLM's proxy.

    python benchmarks/gateway.py [--peer-python PATH] [--seconds 20]

1. Latency at 100 requests a second, of a model server that answers after 20 ms, asked directly and
   through the gateway. The limits: at most 3 ms more at the median, and 10 ms at the 99th percentile.
2. Requests a second of 32 clients at once, with a model server that answers immediately: the gateway
   and LiteLLM's proxy, each one process. The limit: at least 4 times the proxy's.
3. The embedded engine (SmolLM2 135M) behind the gateway: 16 clients at once, whose requests are
   answered in batches, and one client alone. The limit: at least 4 times the requests a second.

Each of them runs in a process of its own, on the same machine. Prints start-up and memory, too; exits
1 where a limit is missed.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from plain_http import Load, at_once, at_rate, request_of, serve

LIMIT_MEDIAN_MS = 3.0
LIMIT_P99_MS = 10.0
LIMIT_LITELLM = 4.0
LIMIT_BATCHES = 4.0
RATE = 100
CLIENTS = 32
DELAY_S = 0.02

_FILES = {
    "infra/environments/local.yaml": "kind: environment\ntarget: local\n",
    "stacks/echo.yaml": "kind: stack\nprompt: prompts/echo\nmodel: stacks/models/server\n",
    "stacks/models/server.yaml": (
        "kind: model\nsource: endpoint://server\ncontext_window: 8000\n"
        "engine: {openai: {model: fixed, base_url_env: UPSTREAM, api_key_env: null,"
        " concurrency: 256}}\n"
    ),
    "prompts/echo.yaml": (
        "kind: prompt\n"
        "variables:\n  message: {type: string, trust: untrusted, max_chars: 4000}\n"
        "messages:\n"
        "  - {role: system, content: 'You answer customers of a shop in one short sentence.'}\n"
        "  - {role: user, content: '<message>{{ message }}</message>'}\n"
        "generation: {temperature: 0, max_tokens: 16}\n"
        "chat: {input: message}\n"
    ),
}
_QUESTION = "When does the parcel arrive that I ordered last week, please?"
_CHAT = {"messages": [{"role": "user", "content": _QUESTION}]}


@dataclass(frozen=True, kw_only=True)
class Server:
    """A process that answers, and what it took to get there."""

    port: int
    process: subprocess.Popen[bytes]
    ready_s: float

    @property
    def resident_mb(self) -> float:
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        [line] = [line for line in status.splitlines() if line.startswith("VmRSS")]
        return int(line.split()[1]) / 1024


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--peer-python", help="a Python that has litellm[proxy]")
    parser.add_argument("--seconds", type=float, default=20.0, help="of each load")
    parser.add_argument("--only", choices=["latency", "litellm", "batches"], help="one part")
    parser.add_argument("--upstream", nargs=2, metavar=("PORT", "SECONDS"), help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.upstream:
        import uvloop

        uvloop.run(serve(int(args.upstream[0]), float(args.upstream[1])))
    parts = {"latency": _latency, "litellm": _litellm, "batches": _batches}
    chosen = [args.only] if args.only else list(parts)
    return 1 if sum(parts[name](args) for name in chosen) else 0


def _latency(args: argparse.Namespace) -> int:
    with _upstream(DELAY_S) as upstream, _gateway(_FILES, "echo", upstream) as gateway:
        bare = asyncio.run(_warm_then(upstream, _CHAT | {"model": "fixed"}, args.seconds))
        through = asyncio.run(_warm_then(gateway, _CHAT | {"model": "echo"}, args.seconds))
        print(f"gateway: ready after {gateway.ready_s:.1f} s, {gateway.resident_mb:.0f} MB")
    median, p99 = (through.share(s) - bare.share(s) for s in (0.5, 0.99))
    print(f"latency at {RATE} requests a second, {len(through.seconds)} requests:")
    for name, load in (("bare", bare), ("gateway", through)):
        print(
            f"  {name:<8} median {load.share(0.5):6.2f} ms, p99 {load.share(0.99):6.2f} ms,"
            f" {load.failures} failures"
        )
    print(f"  added: median {median:.2f} ms (at most {LIMIT_MEDIAN_MS:g}),"
          f" p99 {p99:.2f} ms (at most {LIMIT_P99_MS:g})")  # fmt: skip
    return (median > LIMIT_MEDIAN_MS) + (p99 > LIMIT_P99_MS) + bool(through.failures)


async def _warm_then(server: Server, body: Mapping[str, object], seconds: float) -> Load:
    request = request_of("/v1/chat/completions", body)
    await at_rate(server.port, request, rate=RATE, seconds=2)
    return await at_rate(server.port, request, rate=RATE, seconds=seconds)


def _litellm(args: argparse.Namespace) -> int:
    if args.peer_python is None:
        print("litellm: left out, name its Python with --peer-python")
        return 0
    with _upstream(0) as upstream:
        with _gateway(_FILES, "echo", upstream) as gateway:
            ours = asyncio.run(_crowded(gateway, "echo", args.seconds))
        with _proxy(args.peer_python, upstream) as proxy:
            theirs = asyncio.run(_crowded(proxy, "fixed", args.seconds))
    ratio = ours.rate / theirs.rate
    print(f"{CLIENTS} clients at once:")
    for name, load in (("gateway", ours), ("litellm", theirs)):
        print(f"  {name:<8} {load.rate:7.0f} requests a second, {load.failures} failures")
    print(f"  {ratio:.1f} times litellm's (at least {LIMIT_LITELLM:g})")
    return (ratio < LIMIT_LITELLM) + bool(ours.failures)


async def _crowded(server: Server, model: str, seconds: float) -> Load:
    request = request_of(
        "/v1/chat/completions",
        _CHAT | {"model": model},
        "authorization: Bearer sk-none-of-the-benchmark\r\n",
    )
    await at_once(server.port, request, clients=CLIENTS, seconds=2)
    return await at_once(server.port, request, clients=CLIENTS, seconds=seconds)


def _batches(args: argparse.Namespace) -> int:
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(
            [sys.executable, "-m", "tetrad", "init", folder, "--engine", "embedded"],
            check=True, capture_output=True,
        )  # fmt: skip
        files = {
            path: (Path(folder) / path).read_text()
            for path in (
                "stacks/feedback.yaml", "stacks/models/smollm2-135m.yaml", "prompts/feedback.yaml",
            )
        }  # fmt: skip
    # an answer of many tokens: one label is one pass over the prompt, however many ask
    files["prompts/feedback.yaml"] = _FREE
    files["infra/environments/local.yaml"] = _FILES["infra/environments/local.yaml"]
    with _gateway(files, "feedback", None) as gateway:
        request = request_of("/v1/stacks/feedback/answer", {"variables": {"review": _QUESTION}})
        asyncio.run(at_once(gateway.port, request, clients=16, seconds=5))
        alone = asyncio.run(at_once(gateway.port, request, clients=1, seconds=args.seconds))
        many = asyncio.run(at_once(gateway.port, request, clients=16, seconds=args.seconds))
        print(f"embedded engine: ready after {gateway.ready_s:.1f} s, {gateway.resident_mb:.0f} MB")
    ratio = many.rate / alone.rate
    print(f"  one client  {alone.rate:6.2f} requests a second")
    print(f"  16 clients  {many.rate:6.2f} requests a second")
    print(f"  {ratio:.1f} times one client's (at least {LIMIT_BATCHES:g})")
    return (ratio < LIMIT_BATCHES) + bool(many.failures + alone.failures)


_FREE = """\
kind: prompt
variables:
  review: {type: string, trust: untrusted, max_chars: 1000}
messages:
  - {role: system, content: 'You answer customers of a shop in two short sentences.'}
  - {role: user, content: '<message>{{ review }}</message>'}
generation: {temperature: 0, max_tokens: 48}
"""


@contextmanager
def _upstream(delay_s: float) -> Iterator[Server]:
    port = _free_port()
    command = [sys.executable, __file__, "--upstream", str(port), str(delay_s)]
    with _running(command, port, "/v1/models") as server:
        yield server


@contextmanager
def _gateway(files: Mapping[str, str], stack: str, upstream: Server | None) -> Iterator[Server]:
    """`tetrad serve local` of a registry in which the stack is deployed."""
    port = _free_port()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for path, text in files.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(text)
        subprocess.run(["git", "init", "--quiet", folder], check=True)
        _deploy(root, stack)
        command = [sys.executable, "-m", "tetrad", "--root", folder, "serve", "local",
                   "--port", str(port), "--offline"]  # fmt: skip
        environment = dict(os.environ)
        if upstream is not None:
            environment["UPSTREAM"] = f"http://127.0.0.1:{upstream.port}/v1"
        with _running(command, port, "/readyz", environment) as server:
            yield server


def _deploy(root: Path, name: str) -> None:
    from tetrad.model.serving import Serving
    from tetrad.pointer import (
        Deployers,
        Pointer,
        PointerChange,
        ServedIdentity,
        StackPointer,
        seal_pointer,
    )
    from tetrad.pointer.pointer_store import PointerStore
    from tetrad.registry import open_ledger
    from tetrad.snapshots import take_snapshot
    from tetrad.snapshots.keeping import keep
    from tetrad.trees import WorkingTree

    place, now = root / ".tetrad" / "registry.db", datetime.now(UTC)
    snapshot = take_snapshot(WorkingTree(root), name)
    with open_ledger(place) as ledger:
        keep(ledger, snapshot)
    served = ServedIdentity(
        identity=snapshot.identity, snapshot=snapshot.digest, commit="0" * 40, since=now
    )
    pointer = Pointer(
        environment="local",
        number=1,
        at=now,
        commit="0" * 40,
        change=PointerChange(kind="deploy", stacks=(snapshot.stack,)),
        stacks={snapshot.stack: StackPointer(stack=snapshot.stack, live=served, serving=Serving())},
    )
    with PointerStore(place, Deployers(environment="local")) as store:
        store.append(seal_pointer(pointer))


@contextmanager
def _proxy(python: str, upstream: Server) -> Iterator[Server]:
    """LiteLLM's proxy as its documentation starts it, without a database and with one worker."""
    port = _free_port()
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "config.yaml"
        config.write_text(
            "model_list:\n  - model_name: fixed\n    litellm_params:\n      model: openai/fixed\n"
            f"      api_base: http://127.0.0.1:{upstream.port}/v1\n      api_key: none\n"
            "litellm_settings: {telemetry: false}\ngeneral_settings: {master_key: sk-none-of-the-benchmark}\n"
        )
        command = [str(Path(python).with_name("litellm")), "--config", str(config),
                   "--host", "127.0.0.1", "--port", str(port), "--num_workers", "1",
                   "--telemetry", "False"]  # fmt: skip
        environment = {**os.environ, "LITELLM_LOG": "ERROR", "LITELLM_LOCAL_MODEL_COST_MAP": "True"}
        with _running(command, port, "/health/liveliness", environment) as server:
            yield server


@contextmanager
def _running(
    command: list[str], port: int, path: str, environment: Mapping[str, str] | None = None
) -> Iterator[Server]:
    """A process, once it answers 200 at the path."""
    began = time.perf_counter()
    process = subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    try:
        while not _answers(port, path):
            if process.poll() is not None or time.perf_counter() - began > 180:
                process.kill()
                assert process.stderr is not None
                sys.exit(f"{command[0]} did not start:\n{process.stderr.read().decode()[-2000:]}")
            time.sleep(0.02)
        yield Server(port=port, process=process, ready_s=time.perf_counter() - began)
    finally:
        process.kill()
        process.wait()


def _answers(port: int, path: str) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as response:
            return bool(response.status == 200)
    except OSError:
        return False


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


if __name__ == "__main__":
    sys.exit(main())
