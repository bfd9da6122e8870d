"""A repository whose stack repeats what it is told, an upstream, a gateway and users who ask: for the
benchmarks of serving.

The upstream is llmock, which answers after 20 ms with what it was asked, and the users are locust's;
both come from benchmarks/requirements.txt.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2

from tetrad.canonical import digest_bytes

TETRAD = Path(sys.executable).with_name("tetrad")
UPSTREAM = 18_771  # ports
GATEWAY = 18_772
URL = f"http://127.0.0.1:{GATEWAY}"
STACK = "stacks/echo"
USERS = 200  # so many that hardly one of them waits for an answer when it is to ask again
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
chat: {{input: message}}
"""


class Repository:
    """Two commits, whose stack differs by one word of its prompt."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.environment = {
            **os.environ,
            "UPSTREAM": f"http://127.0.0.1:{UPSTREAM}/v1",
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


@contextmanager
def upstream(peers: Path, repository: Repository, *options: str) -> Iterator[None]:
    command: list[str | Path] = [
        peers.absolute() / "llmock", "serve", "--port", str(UPSTREAM), "--latency-ms", "20", *options,
        "--response-style", "echo", "--tool-mode", "off", "--log-level", "error",
    ]  # fmt: skip
    with _running(command, repository, f"http://127.0.0.1:{UPSTREAM}/v1/models"):
        yield


@contextmanager
def serving(repository: Repository, *tetrad: str | Path) -> Iterator[int]:
    """A gateway with the first commit live; gives its process id. `tetrad` is a command that runs it."""
    repository.git("switch", "--quiet", "--detach", "main~1")
    repository.tetrad("deploy local")
    repository.git("switch", "--quiet", "main")
    command = [*(tetrad or [TETRAD]), "serve", "local", "--port", str(GATEWAY)]
    with _running(command, repository, f"{URL}/readyz") as process:
        yield process


@contextmanager
def asked_steadily(
    peers: Path, repository: Repository, rate: float, folder: Path
) -> Iterator[None]:
    """Users who ask at a rate (requests a second) until the block ends; what they saw is in load_*.csv."""
    command: list[str | Path] = [
        peers.absolute() / "locust", "--headless", "--host", URL, "--users", str(USERS), "--spawn-rate", str(USERS),
        "--locustfile", Path(__file__).with_name("asking_users.py"), "--csv", folder / "load",
        "--loglevel", "ERROR", "--only-summary",
    ]  # fmt: skip
    environment = {
        **os.environ,
        "IDENTITIES": json.dumps(repository.names),
        "REQUESTS_PER_USER": str(rate / USERS),
    }
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            time.sleep(5)
            yield
        finally:
            process.terminate()


@contextmanager
def _running(command: list[str | Path], repository: Repository, until: str) -> Iterator[int]:
    """A process that runs until the block ends, begun when an address answers; its id."""
    log = (repository.root.parent / f"{Path(command[0]).name}.log").open("wb")
    with (
        log,
        subprocess.Popen(
            command, cwd=repository.root, env=repository.environment, stdout=log, stderr=log
        ) as process,
    ):
        try:
            while not _answers(until):
                if process.poll() is not None:
                    sys.exit(f"{command[0]} ended with {process.returncode}")
                time.sleep(0.05)
            yield process.pid
        finally:
            process.terminate()


def _answers(url: str) -> bool:
    try:
        return httpx2.get(url).status_code == 200
    except httpx2.TransportError:
        return False
