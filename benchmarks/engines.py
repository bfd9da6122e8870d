"""The embedded engine beside a vLLM server on the three example suites: seconds and scores.

    python benchmarks/engines.py --vllm-python PATH             # five minutes on two idle cores
    python benchmarks/engines.py --vllm-python PATH --suites triage --turns 1

Every figure is one `tetrad gate` of one stack, a process of its own without cached answers, in
turns: the torch engine, then the server, which has the same weights in the same dtype and the same
threads. The torch engine's seconds include loading the weights; the server is started and warmed
before its clock runs and is stopped before torch's next turn. The best of the turns counts. The
limit: over all suites together the torch engine takes no longer than vLLM.

README.md says how to install vLLM for CPUs.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from orders import GGUF_DIGEST, embedded_model

from tetrad import read_report
from tetrad.canonical import Digest
from tetrad.engines.torch.convert import converted

ROOT = Path(__file__).resolve().parent.parent
SUITES = ("order-desk", "triage", "handbook-qa")
LIMIT = 1.0
STARTED_WITHIN_S = 300.0
NAME = "smollm2"
# 2,048 tokens are more than any request of the suites has.
SERVER = ("--served-model-name", NAME, "--dtype", "float32", "--max-model-len", "2048", "--enforce-eager")  # fmt: skip


class Run(NamedTuple):
    """What one evaluation took, and its means by metric."""

    seconds: float
    scores: Mapping[str, float]


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--vllm-python", required=True, help="a Python that has vLLM")
    parser.add_argument("--suites", nargs="+", choices=SUITES, default=SUITES)
    parser.add_argument("--turns", type=int, default=2)
    args = parser.parse_args()
    _, gguf, cache = embedded_model()
    folder = converted(gguf, Digest.parse(GGUF_DIGEST), cache=cache)
    torch: dict[str, list[Run]] = {suite: [] for suite in args.suites}
    vllm: dict[str, list[Run]] = {suite: [] for suite in args.suites}
    for _ in range(args.turns):
        for suite in args.suites:
            torch[suite].append(_evaluated(suite, "torch", {}))
        with _server(args.vllm_python, folder) as url:
            for suite in args.suites:
                vllm[suite].append(_evaluated(suite, f"openai:{NAME}", {"LLM_URL": f"{url}/v1"}))
    return _judged(torch, vllm)


def _evaluated(suite: str, engine: str, environment: Mapping[str, str]) -> Run:
    """One evaluation of the example stack without any cached answer."""
    with tempfile.TemporaryDirectory() as folder:
        for part in ("prompts", "stacks", "evals"):
            shutil.copytree(ROOT / part, Path(folder) / part)
        command = [sys.executable, "-m", "tetrad", "gate", f"stacks/{suite}", "--engine", engine]
        start = time.perf_counter()
        done = subprocess.run(
            command,
            cwd=folder,
            env={**os.environ, **environment, "LLM_KEY": "none"},
            capture_output=True,
            text=True,
            check=False,
        )
        seconds = time.perf_counter() - start
        if done.returncode not in {0, 1}:  # 1: another engine may miss a requirement
            raise SystemExit(f"{' '.join(command)} failed:\n{done.stderr}")
        report = read_report(Path(folder) / ".tetrad" / "report.json")
    scores = {
        requirement.metric: requirement.value
        for stack in report.stacks
        for judged in stack.suites
        for requirement in judged.requirements
        if requirement.metric and requirement.value is not None
    }
    name = engine.partition(":")[0].replace("openai", "vllm")
    run = Run(seconds, scores)
    print(f"{suite:12} {name:6} {seconds:6.1f} s  {_scores(run)}", flush=True)
    return run


@contextmanager
def _server(python: str, folder: Path) -> Iterator[str]:
    """A vLLM server of the converted weights that has answered once."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    command = [python, "-m", "vllm.entrypoints.openai.api_server", "--model", str(folder), *SERVER]
    quiet = {
        "VLLM_CPU_KVCACHE_SPACE": "2",
        "HF_HUB_OFFLINE": "1",
        "VLLM_NO_USAGE_STATS": "1",
        "DO_NOT_TRACK": "1",
    }
    with tempfile.TemporaryFile("w+") as log:
        start = time.perf_counter()
        server = subprocess.Popen(
            [*command, "--host", "127.0.0.1", "--port", str(port)],
            env={**os.environ, **quiet},
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # it starts processes of its own, which end with it
        )
        try:
            if not _answers(server, url):
                log.seek(0)
                raise SystemExit(f"vLLM did not start:\n{log.read()[-4000:]}")
            print(f"vllm started in {time.perf_counter() - start:.0f} s", flush=True)
            yield url
        finally:
            with suppress(ProcessLookupError):
                os.killpg(server.pid, signal.SIGTERM)
            try:
                server.wait(30)
            except subprocess.TimeoutExpired:
                os.killpg(server.pid, signal.SIGKILL)
                server.wait()


def _answers(server: subprocess.Popen[bytes], url: str) -> bool:
    """Whether the server answers a first request in time."""
    body = json.dumps({"model": NAME, "prompt": "Warm up, please.", "max_tokens": 4}).encode()
    request = urllib.request.Request(
        f"{url}/v1/completions", data=body, headers={"Content-Type": "application/json"}
    )
    deadline = time.monotonic() + STARTED_WITHIN_S
    while server.poll() is None and time.monotonic() < deadline:
        with suppress(OSError), urllib.request.urlopen(request, timeout=60):
            return True
        time.sleep(1)
    return False


def _judged(torch: Mapping[str, Sequence[Run]], vllm: Mapping[str, Sequence[Run]]) -> int:
    ours = theirs = 0.0
    print(f"\n{'suite':12} {'torch':>8} {'vLLM':>8} {'ratio':>6}  scores of torch; of vLLM")
    for suite, runs in torch.items():
        one, other = _best(runs), _best(vllm[suite])
        ours, theirs = ours + one.seconds, theirs + other.seconds
        ratio = one.seconds / other.seconds
        scores = f"{_scores(one)}; {_scores(other)}"
        print(f"{suite:12} {one.seconds:6.1f} s {other.seconds:6.1f} s {ratio:6.2f}  {scores}")
    ratio = ours / theirs
    print(f"{'all':12} {ours:6.1f} s {theirs:6.1f} s {ratio:6.2f}  (at most {LIMIT:g})", end=": ")
    print("held" if ratio <= LIMIT else "MISSED")
    return 0 if ratio <= LIMIT else 1


def _best(runs: Sequence[Run]) -> Run:
    return min(runs, key=lambda run: run.seconds)


def _scores(run: Run) -> str:
    return ", ".join(f"{metric} {score:.2f}" for metric, score in run.scores.items())


if __name__ == "__main__":
    sys.exit(main())
