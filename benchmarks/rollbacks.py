"""Rollbacks and rollout steps under load: what is lost, what is mislabelled, how long they take.

    python benchmarks/rollbacks.py --peer-python benchmarks/.peers/bin/python

`tetrad serve` stands in front of llmock, which answers after 20 ms with what it was asked; locust asks
at a steady rate and compares each answer's label with the answer; `tetrad` rolls out and back. Both
peers come from benchmarks/requirements.txt. A rollback is timed twice: as whoever runs the command
waits for it, and as a client sees it that polls /identity.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import shlex
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Self

import httpx2

from tetrad.canonical import digest_bytes

TETRAD = Path(sys.executable).with_name("tetrad")
STACK = "stacks/echo"
USERS = 20
FILES = {
    "stacks/echo.yaml": """\
kind: stack
prompt: prompts/echo
model: stacks/models/server
serving: {environments: [local], rollout: {steps: [25, 100]}}
""",
    "stacks/models/server.yaml": """\
kind: model
source: endpoint://upstream
context_window: 8000
engine: {openai: {model: gpt-4o, base_url_env: UPSTREAM, api_key_env: null}}
""",
    "infra/environments/local.yaml": """\
kind: environment
models: {stacks/models/server: {unpinned: true}}
retain: {identities: 2}
""",
    ".gitignore": ".tetrad/\n",
}
PROMPT = """\
kind: prompt
variables:
  message: {{type: string, trust: untrusted, max_chars: 1000}}
messages:
  - {{role: system, content: You are {word}.}}
  - {{role: user, content: "{{{{ message }}}}"}}
"""


class Repository:
    """Two commits, whose stack differs by one word of its prompt."""

    def __init__(self, root: Path, port: int) -> None:
        self.root = root
        self.environment = {
            **os.environ,
            "UPSTREAM": f"http://127.0.0.1:{port}/v1",
            "GIT_AUTHOR_NAME": "b", "GIT_AUTHOR_EMAIL": "b@example.com",
            "GIT_COMMITTER_NAME": "b", "GIT_COMMITTER_EMAIL": "b@example.com",
        }  # fmt: skip
        self.environment.pop("TETRAD_REGISTRY", None)
        self.git("init", "--quiet", "--initial-branch=main", str(root), at=root.parent)
        self.names = {self.commit(word): word for word in ("magpie", "jackdaw")}

    def commit(self, word: str) -> str:
        """Commit a version; its identity."""
        for path, text in {**FILES, "prompts/echo.yaml": PROMPT.format(word=word)}.items():
            (self.root / path).parent.mkdir(parents=True, exist_ok=True)
            (self.root / path).write_text(text, encoding="utf-8")
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", word)
        document = subprocess.run(
            [TETRAD, "show", "echo", "--identity-json"],
            cwd=self.root, env=self.environment, check=True, capture_output=True,
        ).stdout  # fmt: skip
        return f"tetrad:{digest_bytes(document).hex}"

    def git(self, *arguments: str, at: Path | None = None) -> None:
        subprocess.run(["git", *arguments], cwd=at or self.root, env=self.environment, check=True)

    def tetrad(self, command: str) -> float:
        """Run a command; how long it took."""
        began = time.monotonic()
        done = subprocess.run(
            [TETRAD, *shlex.split(command)],
            cwd=self.root, env=self.environment, check=False, capture_output=True, text=True,
        )  # fmt: skip
        if done.returncode:
            sys.exit(f"tetrad {command}: {done.returncode}\n{done.stdout}{done.stderr}")
        return time.monotonic() - began


class Watching:
    """A client that polls /identity: when each change of who answers was seen."""

    def __init__(self, url: str) -> None:
        self.seen: list[tuple[float, str]] = []
        self._url = url
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._poll)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ends.set()
        self._thread.join()

    def await_live(self, identity: str, since: float) -> float:
        """How long after a time an identity was seen to answer alone, in seconds."""
        while True:
            for at, live in reversed(self.seen):
                if at >= since and live == identity:
                    return at - since
                if at < since:
                    break
            time.sleep(0.002)

    def _poll(self) -> None:
        with httpx2.Client() as client:
            while not self._ends.is_set():
                told = client.get(f"{self._url}/identity").json()["stacks"][STACK]["answering"]
                live = told[0]["identity"] if len(told) == 1 else ""
                if not self.seen or self.seen[-1][1] != live:
                    self.seen.append((time.monotonic(), live))
                time.sleep(0.01)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--peer-python", type=Path, required=True)
    parser.add_argument("--turns", type=int, default=25, help="rollouts, each rolled back (25)")
    parser.add_argument("--rate", type=float, default=200, help="requests a second (200)")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        measure(Path(folder), arguments.peer_python.parent, arguments.turns, arguments.rate)


def measure(folder: Path, peers: Path, turns: int, rate: float) -> None:
    port, url = 18_771, "http://127.0.0.1:18772"
    repository = Repository(folder / "repository", port)
    upstream: list[str | Path] = [
        peers / "llmock", "serve", "--port", str(port), "--latency-ms", "20",
        "--response-style", "echo", "--tool-mode", "off", "--log-level", "error",
    ]  # fmt: skip
    old, new = repository.names
    with running(upstream, repository, f"http://127.0.0.1:{port}/v1/models"):
        repository.git("switch", "--quiet", "--detach", "main~1")
        repository.tetrad("deploy local")
        repository.git("switch", "--quiet", "main")
        with (
            running([TETRAD, "serve", "local", "--port", url[-5:]], repository, f"{url}/readyz"),
            locust(peers, url, repository.names, rate, folder),
            Watching(url) as watching,
        ):
            commands, seen = [], []
            for turn in range(turns):
                repository.tetrad("deploy local")  # 25 %, then all
                watching.await_live(new, 0)
                began = time.monotonic()
                commands.append(repository.tetrad("rollback local echo --reason turn"))
                seen.append(watching.await_live(old, began))
                repository.tetrad("release local echo")
                print(f"turn {turn + 1}: {commands[-1]:.2f} s, seen after {seen[-1]:.2f} s")
    report(folder, commands, seen)


def report(folder: Path, commands: list[float], seen: list[float]) -> None:
    with (folder / "load_stats.csv").open(encoding="utf-8") as file:
        total = next(row for row in csv.DictReader(file) if row["Name"] == "Aggregated")
    with (folder / "load_failures.csv").open(encoding="utf-8") as file:
        failures = {row["Error"]: int(row["Occurrences"]) for row in csv.DictReader(file)}
    median = statistics.median(commands)
    print(
        f"requests           {int(total['Request Count']):,} at {float(total['Requests/s']):.0f}/s"
    )
    print(f"failed             {failures or 0}")
    print(
        f"rollback, command  {median:.2f} s at the median, {max(commands):.2f} s at most (limit 1)"
    )
    print(
        f"rollback, seen     {statistics.median(seen):.2f} s at the median, {max(seen):.2f} s at most"
    )
    sys.exit(bool(failures) or median > 1)


@contextmanager
def running(command: list[str | Path], repository: Repository, until: str) -> Iterator[None]:
    """A process that runs until the block ends, begun when an address answers."""
    with subprocess.Popen(
        command, cwd=repository.root, env=repository.environment, stdout=subprocess.DEVNULL
    ) as process:
        try:
            while True:
                try:
                    if httpx2.get(until).status_code == 200:
                        break
                except httpx2.TransportError:
                    if process.poll() is not None:
                        sys.exit(f"{command[0]} ended with {process.returncode}")
                time.sleep(0.05)
            yield
        finally:
            process.terminate()


@contextmanager
def locust(
    peers: Path, url: str, names: Mapping[str, str], rate: float, folder: Path
) -> Iterator[None]:
    """Users who ask at a steady rate until the block ends; figures in load_*.csv."""
    command: list[str | Path] = [
        peers / "locust", "--headless", "--host", url, "--users", str(USERS), "--spawn-rate", "20",
        "--locustfile", Path(__file__).with_name("asking_users.py"), "--csv", folder / "load",
        "--loglevel", "ERROR", "--only-summary",
    ]  # fmt: skip
    environment = {
        **os.environ, "IDENTITIES": json.dumps(dict(names)), "REQUESTS_PER_USER": str(rate / USERS)
    }  # fmt: skip
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            time.sleep(5)
            yield
        finally:
            process.terminate()


if __name__ == "__main__":
    main()
