"""The whole life of a change, on this machine: gate, evidence, deploy, roll out, refuse, roll back.

Plays in a throw-away clone of this repository with keys and a registry of its own, prints each command
before it runs it, and ends with what it measured. Nothing outside of the clone is changed.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx2
from load import Load, Tally

from tetrad.admission import KeptEvidence
from tetrad.canonical import digest_bytes
from tetrad.ed25519 import PrivateKey
from tetrad.evidence import open_envelope
from tetrad.evidence.dsse import seal
from tetrad.identity import read_identity

ROOT = Path(__file__).resolve().parent.parent
TETRAD = Path(sys.executable).with_name("tetrad")
STACK = "triage"
ENVIRONMENT = "local"
PROMPT = f"prompts/{STACK}.yaml"
EXAMPLES = "prompts/triage.examples.jsonl"
# A small improvement: each is near to a case that the prompt gets wrong today.
BETTER = (
    {
        "vars": {"message": "My card was refused at checkout although there is money on it."},
        "output": "billing",
    },
    {
        "vars": {"message": "Do the curtains bleach if they hang in a sunny window all day?"},
        "output": "product",
    },
)
WITNESSES = ("declined-card", "colour-fast")  # the cases that it gets right


class Story:
    """Runs the commands of the demo in a clone, and shows them."""

    def __init__(self, clone: Path) -> None:
        self.clone = clone
        self.keys = clone.parent / "keys"
        self.keys.mkdir()
        self._environment = {
            **os.environ,
            "PATH": f"{TETRAD.parent}{os.pathsep}{os.environ['PATH']}",
            "GIT_AUTHOR_NAME": "Demo",
            "GIT_AUTHOR_EMAIL": "demo@example.com",
            "GIT_COMMITTER_NAME": "Demo",
            "GIT_COMMITTER_EMAIL": "demo@example.com",
            "GIT_CONFIG_GLOBAL": os.devnull,
        }
        self._environment.pop("TETRAD_REGISTRY", None)
        self._beside: subprocess.Popen[bytes] | None = None

    def chapter(self, title: str) -> None:
        print(f"\n── {title} {'─' * max(0, 76 - len(title))}", flush=True)

    def run(self, command: str, *, expect: int = 0) -> float:
        """Show a command and run it; how long it took, in seconds."""
        self.show(command)
        began = time.monotonic()
        done = subprocess.run(
            shlex.split(command), cwd=self.clone, env=self._environment, check=False
        )
        if done.returncode != expect:
            sys.exit(f"demo: expected exit code {expect}, got {done.returncode}")
        return time.monotonic() - began

    def quietly(self, *command: str) -> str:
        done = subprocess.run(
            command,
            cwd=self.clone,
            env=self._environment,
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout

    def show(self, command: str) -> None:
        print(f"\n$ {command}", flush=True)

    def start(self, command: str) -> None:
        """Show a command and run it beside what follows."""
        self.show(f"{command} &")
        self._beside = subprocess.Popen(
            shlex.split(command),
            cwd=self.clone,
            env=self._environment,
            stdout=(self.clone.parent / "gateway.log").open("wb"),
            stderr=subprocess.STDOUT,
        )

    def stop(self) -> None:
        if self._beside is not None:
            self._beside.terminate()
            self._beside.wait()

    def commit(self, subject: str, files: Mapping[str, str]) -> None:
        for name, text in files.items():
            path = self.clone / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        self.quietly("git", "add", "--all")
        self.quietly("git", "commit", "--quiet", "--message", subject)
        print(f"\n# {subject}")
        print(self.quietly("git", "show", "--stat", "--format=%h %s").rstrip(), flush=True)

    def text(self, name: str) -> str:
        return (self.clone / name).read_text(encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--keep", action="store_true", help="leave the gateway running and print its addresses"
    )
    keep = parser.parse_args().keep
    folder = Path(tempfile.mkdtemp(prefix="tetrad-demo-"))
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(folder / "clone")], check=True)
    story = Story(folder / "clone")
    story.quietly("git", "switch", "--quiet", "--force-create", "main")
    try:
        play(story, keep=keep)
    finally:
        story.stop()
        shutil.rmtree(folder, ignore_errors=True)


def play(story: Story, *, keep: bool) -> None:
    began = time.monotonic()
    url = admit_first(story)
    first = identity(story)
    second = improve(story)
    load = Load(
        f"{url}/v1/stacks/{STACK}/answer",
        variable="message",
        messages=witnesses(story),
        expected=expected_answers(story),
    )
    with load:
        roll_out(story, load, second)
        refuse_forgery(story)
        seconds = roll_back(story)
        load.await_identity(first)
    measured(load.tally, seconds, time.monotonic() - began)
    if keep:
        print(f"\nThe gateway is still running: {url}/ui and {url}/docs")
        print(f"Its repository is {story.clone}; stop it with Ctrl-C.", flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            signal.pause()


def admit_first(story: Story) -> str:
    story.chapter("An environment, and the first identity that it admits")
    story.run(f"tetrad keys new ci --private {story.keys / 'ci.pem'}")
    story.run(f"tetrad keys new ops --role deployer --private {story.keys / 'ops.pem'}")
    story.commit("Serve triage in the environment local", environment_files(story))
    story.run(f"tetrad gate {STACK}")
    attest(story)
    story.run(f"tetrad deploy {ENVIRONMENT} {STACK} --key file:{story.keys / 'ops.pem'}")
    url = f"http://127.0.0.1:{free_port()}"
    story.start(f"tetrad serve {ENVIRONMENT} --port {url.rpartition(':')[2]}")
    await_ready(url)
    body = json.dumps({"variables": {"message": "Two lamps were billed, and I bought one."}})
    story.run(
        f"curl -s -i -H 'content-type: application/json' {url}/v1/stacks/{STACK}/answer -d '{body}'"
    )
    print()
    return url


def improve(story: Story) -> str:
    story.chapter("A better prompt, as a change")
    story.run("git switch --quiet --create better-examples")
    lines = "".join(f"{json.dumps(line)}\n" for line in BETTER)
    story.commit("Show triage two more messages", {EXAMPLES: story.text(EXAMPLES) + lines})
    story.run("tetrad lock")
    story.commit("Lock triage", {})
    story.run("tetrad gate --base main")
    attest(story)
    story.run("git switch --quiet main")
    story.run("git merge --quiet --ff-only better-examples")
    return identity(story)


def roll_out(story: Story, load: Load, identity: str) -> None:
    story.chapter("Roll it out while the load runs")
    key = f"--key file:{story.keys / 'ops.pem'}"
    story.run(f"tetrad deploy {ENVIRONMENT} {STACK} --no-wait {key}")
    load.await_identity(identity)
    story.run(f"tetrad rollout status {ENVIRONMENT} {STACK}")
    story.run(f"tetrad rollout continue {ENVIRONMENT} {STACK} {key}")
    story.run(f"tetrad status {ENVIRONMENT}")


def refuse_forgery(story: Story) -> None:
    story.chapter("A worse prompt, and two attempts to pass it off as a good one")
    proven = identity(story)
    story.run("git switch --quiet --create worse")
    story.commit("Show triage no examples", {PROMPT: without_examples(story.text(PROMPT))})
    story.run("tetrad lock")
    story.commit("Lock triage", {})
    story.run("tetrad gate --base main", expect=1)
    report = story.clone / ".tetrad/report.json"
    print("\n# the report is edited: FAILED becomes PASSED")
    report.write_text(report.read_text(encoding="utf-8").replace("FAILED", "PASSED"))
    story.run(f"tetrad attest .tetrad/report.json --key file:{story.keys / 'ci.pem'}", expect=1)
    print(
        "\n# evidence of the proven identity is rewritten for this one, and signed with another key"
    )
    forge(story.clone, of=proven, to=identity(story))
    story.run(f"tetrad deploy {ENVIRONMENT} {STACK} --key file:{story.keys / 'ops.pem'}", expect=1)
    story.run("git switch --quiet main")


def without_examples(prompt: str) -> str:
    before, found, rest = prompt.partition("examples:\n")
    if not found:
        sys.exit(f"demo: {PROMPT} is not as the demo knows it")
    return before + rest.partition("\nchat:")[2].join(("chat:", ""))


def forge(clone: Path, *, of: str, to: str) -> None:
    """Add to the clone evidence about one identity that says what is proven of another."""
    digest = {name: read_identity(name) for name in (of, to)}
    kept = KeptEvidence(clone)
    key = PrivateKey.generate()
    forged = [
        seal(
            open_envelope(data).payload.replace(digest[of].hex.encode(), digest[to].hex.encode()),
            [key],
        )
        for data in kept.about(digest[of])
    ]
    kept.keep("evidence", f"stacks/{STACK}", digest[to], forged)


def roll_back(story: Story) -> float:
    story.chapter("Roll back while the load runs")
    seconds = story.run(
        f"tetrad rollback {ENVIRONMENT} {STACK} --reason 'demonstration'"
        f" --key file:{story.keys / 'ops.pem'}"
    )
    story.run(f"tetrad history {ENVIRONMENT}")
    return seconds


def attest(story: Story) -> None:
    story.run(f"tetrad attest .tetrad/report.json --key file:{story.keys / 'ci.pem'}")
    story.run(f"tetrad verify {STACK} --env {ENVIRONMENT}")


def environment_files(story: Story) -> dict[str, str]:
    stack = story.text(f"stacks/{STACK}.yaml")
    before = """\
  environments: [staging, production]
  rollout: {steps: [5, 25, 100], pause_s: 300, abort_if: {error_rate: 0.02, p95_ms: 1500}}
"""
    after = """\
  environments: [local]
  rollout: {steps: [25, 100], pause_s: 5, min_requests: 10, abort_if: {error_rate: 0.02}}
"""
    if before not in stack:
        sys.exit(f"demo: stacks/{STACK}.yaml is not as the demo knows it")
    environment = """\
kind: environment
requires:
  evidence: {signers: [ci], max_age_days: 30}
signers:
  ci: {ed25519: infra/keys/ci.pub, role: evaluator}
  ops: {ed25519: infra/keys/ops.pub, role: deployer}
retain: {identities: 2}
"""
    return {
        f"infra/environments/{ENVIRONMENT}.yaml": environment,
        f"stacks/{STACK}.yaml": stack.replace(before, after),
    }


def identity(story: Story) -> str:
    document = story.quietly("tetrad", "show", STACK, "--identity-json")
    return f"tetrad:{digest_bytes(document.encode()).hex}"


def expected_answers(story: Story) -> dict[str, dict[str, str]]:
    """What each identity answered to each witness when it was evaluated, by the gate's report."""
    report = json.loads(story.text(".tetrad/report.json"))
    stack = next(s for s in report["stacks"] if s["stack"] == f"stacks/{STACK}")
    expected: dict[str, dict[str, str]] = {stack["identity"]: {}, stack["base_identity"]: {}}
    for case in witness_cases(stack):
        message = case["vars"]["message"]
        expected[stack["identity"]][message] = case["output"]
        expected[stack["base_identity"]][message] = case["base_output"]
    return expected


def witnesses(story: Story) -> list[str]:
    report = json.loads(story.text(".tetrad/report.json"))
    stack = next(s for s in report["stacks"] if s["stack"] == f"stacks/{STACK}")
    return [case["vars"]["message"] for case in witness_cases(stack)]


def witness_cases(stack: Mapping[str, Any]) -> list[dict[str, Any]]:
    found = [c for s in stack["suites"] for c in s["cases"] if c["id"] in WITNESSES]
    if len(found) != len(WITNESSES) or any(c["output"] == c["base_output"] for c in found):
        sys.exit("demo: the two prompts answer alike, so nothing can be told apart")
    return found


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


def await_ready(url: str) -> None:
    end = time.monotonic() + 120
    while time.monotonic() < end:
        with contextlib.suppress(httpx2.HTTPError):
            if httpx2.get(f"{url}/readyz").status_code == 200:
                return
        time.sleep(0.2)
    sys.exit("demo: the gateway is not ready")


def measured(tally: Tally, rollback_s: float, whole_s: float) -> None:
    failures = sum(tally.failures.values())
    print("\n── Measured " + "─" * 67)
    print(f"requests                {tally.requests:,}")
    print(f"failures                {failures}  {dict(tally.failures) if failures else ''}")
    print(f"mislabelled answers     {len(tally.mislabelled)}")
    print(f"rollback, acknowledged  {rollback_s:.2f} s, of the whole command")
    print(f"the whole demo          {whole_s:.0f} s", flush=True)
    if failures or tally.mislabelled:
        sys.exit(1)


if __name__ == "__main__":
    main()
